//! `aam account`

use clap::{Args, Subcommand};
use serde_json::json;

use super::otp;
use crate::{config::Credentials, failure::Result, prompt, session::Session};

/// Your account on a registry
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    Delete(Delete),
}

/// Delete your account, for good
#[derive(Debug, Args)]
#[command(
    long_about = "Delete your account, for good: name, e-mail address, password, API tokens and memberships are erased. \
    The name stays reserved. Your packages go to their other owners or stay with their scope; if you are the last owner \
    of something, the registry lists it, and you make somebody else an owner first."
)]
pub(crate) struct Delete {
    /// Do not ask for your username
    #[arg(long, short)]
    yes: bool,
    /// Read the password from stdin
    #[arg(long)]
    password_stdin: bool,
    /// A code of your second factor; asked for where it is needed
    #[arg(long, value_name = "CODE")]
    otp: Option<String>,
}

impl Account {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let Self::Delete(Delete { yes, password_stdin, otp }) = self;
        let registry = session.registry()?;
        let client = session.authenticated(&registry)?;
        let username = client.account().await?.username;
        prompt::confirm_name(&format!("Delete your account on {} for good?", registry.url), &username, yes)?;
        let password = prompt::password("Password", password_stdin)?;
        match client.delete_account(&password, otp.as_deref()).await {
            Err(failure) if otp.is_none() => client.delete_account(&password, Some(&otp::asked(failure)?)).await?,
            deleted => deleted?,
        }
        let mut credentials = Credentials::read(&session.home)?;
        credentials.remove(&registry.url);
        credentials.write(&session.home)?;
        let value = json!({"registry": registry.url.as_str(), "username": username, "deleted": true});
        session.out.done(&value, || vec![format!("Deleted {username} on {}", registry.url)])
    }
}
