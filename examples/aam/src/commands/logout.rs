//! `aam logout`

use clap::Args;
use serde_json::json;

use crate::{
    api::Client,
    config::{Credential, Credentials},
    failure::{Failure, Result},
    output::instant,
    session::Session,
};

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
        let token = credential.token.clone();
        let revoked = match Client::new(registry.url.clone(), Some(token), &session.patience) {
            Ok(client) => client.revoke_token(&credential.token_id).await,
            Err(failure) => Err(failure),
        };
        // Whatever the registry said: nobody is logged in here any more.
        credentials.write(&session.home)?;
        let revoked = match revoked {
            Ok(()) => true,
            // It was revoked or ran out before.
            Err(failure) if matches!(&*failure.code, "unauthorized" | "token_not_found") => true,
            Err(failure) => {
                session.out.warn(&left(&credential, &failure));
                false
            }
        };
        session.out.done(&json!({"registry": registry.url.as_str(), "revoked": revoked}), || {
            vec![format!("Logged out of {}", registry.url)]
        })
    }
}

/// What to say of a token that the registry could not be told to revoke.
fn left(credential: &Credential, failure: &Failure) -> String {
    let until = credential.expires_at.map(|at| format!("until {}", instant(at.0)));
    let until = until.unwrap_or_else(|| "until it is revoked".to_owned());
    format!(
        "the token is forgotten here, and works {until} where somebody else has it, since the registry was not told to \
         revoke it ({failure}). To revoke it, log in when the registry can be reached: `aam login`, then \
         `aam token revoke {}`",
        credential.token_id
    )
}
