//! `aam passwd`

use clap::Args;
use serde_json::json;

use super::login;
use crate::{
    config::Credentials,
    failure::{Failure, Result},
    prompt,
    session::Session,
};

/// Change your password
#[derive(Debug, Args)]
#[command(
    long_about = "Change your password on a registry. Other sessions end; API tokens go on, the one of `aam login` \
    included: list them with `aam token list`, and revoke those you do not know.\n\n  \
    aam passwd\n  \
    printf '%s\\n%s\\n' \"$OLD\" \"$NEW\" | aam passwd --password-stdin"
)]
pub(crate) struct Passwd {
    /// Your username or e-mail address, instead of the one you are logged in as
    #[arg(long, short)]
    username: Option<String>,
    /// Read the current password and the new one from two lines of stdin
    #[arg(long)]
    password_stdin: bool,
}

impl Passwd {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        login::warn_of_readers(session, &registry);
        let stored = Credentials::read(&session.home)?.of(&registry.url).map(|stored| stored.username.clone());
        let user = match self.username.or(stored) {
            Some(user) => user,
            None => prompt::line("Username", "--username")?,
        };
        let current = prompt::password("Current password", self.password_stdin)?;
        let wanted = prompt::password("New password, at least 12 characters", self.password_stdin)?;
        if !self.password_stdin && prompt::password("The same again", false)? != wanted {
            return Err(Failure::usage("The passwords differ"));
        }
        let client = login::open_session(session, &registry, &user, &current).await?;
        let changed = client.change_password(&current, &wanted).await;
        // The session has served; that it ends a day later otherwise harms nobody.
        let _ = client.end_session().await;
        let account = changed?;
        let value = json!({"registry": registry.url.as_str(), "username": account.username, "changed": true});
        session.out.done(&value, || {
            vec![format!(
                "Changed the password of {} on {}; other sessions are over, API tokens go on",
                account.username, registry.url
            )]
        })
    }
}
