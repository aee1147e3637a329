use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{
    ports::{MailFailure, Mailer},
    types::Mail,
};

/// Keeps mails in memory in place of sending them.
///
/// A clone shares the mails.
#[derive(Clone, Debug, Default)]
pub struct MemoryMailer {
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl MemoryMailer {
    /// One without mails.
    pub fn new() -> Self {
        Self::default()
    }

    /// The mails that were sent, in this order.
    pub fn sent(&self) -> Vec<Mail> {
        self.mails().clone()
    }

    fn mails(&self) -> MutexGuard<'_, Vec<Mail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailFailure> {
        if !mail.to.contains('@') || mail.to.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(MailFailure::permanent("the recipient has no valid e-mail address"));
        }
        self.mails().push(mail.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::mailer::{MailSite, ReceivedMail};

    #[async_trait]
    impl MailSite for MemoryMailer {
        fn mailer(&self) -> &dyn Mailer {
            self
        }

        async fn received(&self) -> Vec<ReceivedMail> {
            let received = |mail: Mail| ReceivedMail {
                id: mail.id,
                to: mail.to,
                subject: mail.subject.split(char::is_control).collect::<Vec<_>>().join(" "),
                text: mail.text,
                html: mail.html,
            };
            self.sent().into_iter().map(received).collect()
        }
    }

    crate::mailer_conformance!(async { (MemoryMailer::new(), ()) });
}
