//! `aam verify-email`

use clap::Args;
use serde_json::json;

use crate::{api::Client, failure::Result, output::plain, session::Session};

/// Show that mail to your e-mail address arrives
#[derive(Debug, Args)]
#[command(long_about = "Show that mail to your e-mail address arrives: with the link of a mail verify the address, \
    and after a registration make the account; without a link ask for another mail.\n\n  \
    aam verify-email\n  \
    aam verify-email 'https://registry.example.com/verify-email#…'")]
pub(crate) struct VerifyEmail {
    /// The link of the mail
    link: Option<String>,
}

impl VerifyEmail {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        if let Some(link) = self.link {
            let client = Client::new(registry.url.clone(), None, &session.patience)?;
            client.verify_email(&link).await?;
            return session.out.done(&json!({"verified": true}), || vec!["Your e-mail address is verified".to_owned()]);
        }
        let answer = session.authenticated(&registry)?.request_email_verification().await?;
        session.out.done(&answer, || vec![plain(answer["message"].as_str().unwrap_or("Asked for a mail"))])
    }
}
