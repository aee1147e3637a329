//! `aam logout`

use clap::Args;
use serde_json::json;

use crate::{api::Client, config::Credentials, failure::Result, session::Session};

/// Revoke and forget the credential of `aam login`
#[derive(Debug, Args)]
#[command(long_about = "Revoke the token that `aam login` made, and forget it.\n\n  aam logout")]
pub(crate) struct Logout {}

impl Logout {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let mut credentials = Credentials::read(&session.home)?;
        let Some(credential) = credentials.remove(&registry.url) else {
            return session.out.done(&json!({"registry": registry.url.as_str(), "revoked": false}), || {
                vec![format!("You were not logged in to {}", registry.url)]
            });
        };
        let client = Client::new(registry.url.clone(), Some(credential.token), &session.patience)?;
        let revoked = client.revoke_token(&credential.token_id).await;
        credentials.write(&session.home)?;
        if let Err(failure) = &revoked {
            session.out.warn(&format!(
                "The token is forgotten here but could not be revoked: {failure}. Revoke it later with \
                 `aam token revoke {}`",
                credential.token_id
            ));
        }
        session.out.done(&json!({"registry": registry.url.as_str(), "revoked": revoked.is_ok()}), || {
            vec![format!("Logged out of {}", registry.url)]
        })
    }
}
