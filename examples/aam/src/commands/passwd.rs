//! `aam passwd`

use clap::Args;
use serde_json::json;

use super::login;
use crate::{
    api::Client,
    config::{Credentials, Secret},
    failure::{Failure, Kind, Result},
    prompt,
    session::{Registry, Session},
};

/// Change your password
#[derive(Debug, Args)]
#[command(
    long_about = "Change your password on a registry. Other sessions end; API tokens go on, the one of `aam login` \
    included: list them with `aam token list`, and revoke those you do not know. If you have forgotten it, \
    `--forgot` asks the registry for a mail with a link, and `--reset` sets a new password with that link or with one \
    from an administrator.\n\n  \
    aam passwd\n  \
    aam passwd --forgot\n  \
    aam passwd --reset\n  \
    printf '%s\\n%s\\n' \"$OLD\" \"$NEW\" | aam passwd --password-stdin"
)]
pub(crate) struct Passwd {
    /// Your username or e-mail address, instead of the one you are logged in as
    #[arg(long, short)]
    username: Option<String>,
    /// Ask for a mail with a link to set a new password, if you have forgotten yours
    #[arg(long, conflicts_with_all = ["reset", "password_stdin"])]
    forgot: bool,
    /// Set a new password with the link of a mail or of an administrator
    #[arg(long, conflicts_with = "username")]
    reset: bool,
    /// Read the current password (with --reset: the link) and the new one from two lines of stdin
    #[arg(long)]
    password_stdin: bool,
    /// A code of your second factor; asked for where it is needed
    #[arg(long, value_name = "CODE", conflicts_with_all = ["forgot", "reset"])]
    otp: Option<String>,
}

impl Passwd {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        login::warn_of_readers(session, &registry);
        if self.reset {
            return reset(session, &registry, self.password_stdin).await;
        }
        let stored = Credentials::read(&session.home)?.of(&registry.url).map(|stored| stored.username.clone());
        let user = match self.username.or(stored) {
            Some(user) => user,
            None => prompt::line("Username", "--username")?,
        };
        if self.forgot {
            return forgot(session, &registry, &user).await;
        }
        let current = prompt::password("Current password", self.password_stdin)?;
        let wanted = wanted_password(self.password_stdin)?;
        let client = login::open_session(session, &registry, &user, &current, self.otp.as_deref()).await?;
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

fn wanted_password(from_stdin: bool) -> Result<Secret> {
    let wanted = prompt::password("New password, at least 12 characters", from_stdin)?;
    if !from_stdin && prompt::password("The same again", false)? != wanted {
        return Err(Failure::usage("The passwords differ"));
    }
    Ok(wanted)
}

fn anonymous(session: &Session, registry: &Registry) -> Result<Client> {
    Client::new(registry.url.clone(), None, &session.patience)
}

/// Asks for a mail with a link.
async fn forgot(session: &Session, registry: &Registry, user: &str) -> Result<()> {
    let asked = anonymous(session, registry)?.request_password_reset(user).await;
    asked.map_err(|failure| match failure.kind {
        Kind::Access => failure.hint("set a new password with the link that you get: aam passwd --reset"),
        _ => failure,
    })?;
    let value = json!({"registry": registry.url.as_str(), "requested": true});
    session.out.done(&value, || {
        vec![format!(
            "If {user} has an account on {}, a mail with a link is on its way; then: aam passwd --reset",
            registry.url
        )]
    })
}

/// Sets a new password with a link.
async fn reset(session: &Session, registry: &Registry, from_stdin: bool) -> Result<()> {
    let link = prompt::password("The link, or the code at its end", from_stdin)?;
    let wanted = wanted_password(from_stdin)?;
    anonymous(session, registry)?.reset_password(&link, &wanted).await?;
    let value = json!({"registry": registry.url.as_str(), "changed": true});
    session.out.done(&value, || {
        vec![format!("Set your password on {}; all sessions are over, API tokens go on: aam login", registry.url)]
    })
}
