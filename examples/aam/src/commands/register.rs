//! `aam register`

use aam_registry_core::types::Username;
use clap::Args;

use super::login;
use crate::{
    api::Client,
    failure::{Failure, Result},
    prompt,
    session::Session,
    spec::Expiry,
};

/// Make an account on a registry
#[derive(Debug, Args)]
#[command(long_about = "Make an account on a registry, and log in to it. The scope of your username is yours: \
    as alice you can publish @alice/anything. Where the registry sends mail, the account is made once you open the link \
    that it mails to you, or run `aam verify-email` with it; then log in with `aam login`.\n\n  \
    aam register\n  \
    echo \"$PASSWORD\" | aam register --username alice --email alice@example.com --password-stdin")]
pub(crate) struct Register {
    /// 3 to 64 lower-case letters, digits, `-` and `_`; asked for where not given
    #[arg(long, short)]
    username: Option<Username>,
    /// Your e-mail address; asked for where not given
    #[arg(long, short)]
    email: Option<String>,
    /// The link of an invitation, or the code at its end, where the registry takes accounts by invitation
    #[arg(long, value_name = "LINK")]
    invitation: Option<String>,
    /// Read the password, at least 12 characters, from stdin
    #[arg(long)]
    password_stdin: bool,
    /// Do not log in afterwards
    #[arg(long)]
    no_login: bool,
}

impl Register {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        login::warn_of_readers(session, &registry);
        let username = match self.username {
            Some(username) => username,
            None => prompt::line("Username", "--username")?.parse()?,
        };
        let email = match self.email {
            Some(email) => email,
            None => prompt::line("E-mail", "--email")?,
        };
        let password = prompt::password("Password, at least 12 characters", self.password_stdin)?;
        if !self.password_stdin && prompt::password("The same again", false)? != password {
            return Err(Failure::usage("The passwords differ"));
        }
        let client = Client::new(registry.url.clone(), None, &session.patience)?;
        let user = client.register(&username, &email, &password, self.invitation.as_deref()).await?;
        if user.read.awaits_verification {
            return session.out.done(&user, || {
                vec![
                    format!("Open the link that {} has mailed to {email}: it makes the account", registry.url),
                    "Or run `aam verify-email LINK`. Then log in with `aam login`".to_owned(),
                ]
            });
        }
        if self.no_login {
            return session.out.done(&user, || {
                vec![format!("Made the account {username} on {}; log in with `aam login`", registry.url)]
            });
        }
        session.out.note(&format!("Made the account {username} on {}", registry.url));
        let credential =
            login::open(session, &registry, username.as_str(), &password, None, Expiry::default_login()).await?;
        login::told(session, &registry, &credential)
    }
}
