use std::fmt::Debug;

use async_trait::async_trait;

use crate::types::Mail;

/// Sends mails.
#[async_trait]
pub trait Mailer: Debug + Send + Sync + 'static {
    /// Sends a mail, within 25 seconds. `Ok` means that a mail server has accepted it. A mail that is
    /// sent again has the same [id](Mail::id) and date.
    ///
    /// # Errors
    /// [`MailFailure`], after which the mail may have been sent nevertheless.
    async fn send(&self, mail: &Mail) -> Result<(), MailFailure>;
}

/// Why a mail was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailFailure {
    /// The reason, for the operator: it contains no secret, no e-mail address and nothing of the mail.
    pub message: String,
    /// Whether it is useless to send the mail again, for example because the address does not exist.
    pub is_permanent: bool,
}

impl MailFailure {
    /// A failure after which the mail is worth sending again.
    pub fn temporary(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_permanent: false }
    }

    /// A failure that would occur again.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_permanent: true }
    }
}
