//! `aam whoami`

use clap::Args;
use serde_json::json;

use crate::{config::Credentials, failure::Result, output::plain, session::Session};

/// Show who you are to a registry
#[derive(Debug, Args)]
#[command(long_about = "Show who you are to a registry, asking it.\n\n  aam whoami\n  aam whoami --registry team")]
pub(crate) struct Whoami {}

impl Whoami {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let account = session.authenticated(&registry)?.account().await?;
        let stored = Credentials::read(&session.home)?;
        let expires_at = stored.of(&registry.url).and_then(|credential| credential.expires_at);
        let value = json!({
            "registry": registry.url.as_str(),
            "username": account.username,
            "email": account.email,
            "is_admin": account.is_admin,
            "scopes": account.scopes,
            "login_expires_at": expires_at,
        });
        session.out.result(&value, || vec![format!("{} on {}", plain(&account.username), registry.url)])
    }
}
