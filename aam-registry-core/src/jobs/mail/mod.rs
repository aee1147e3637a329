//! Mails to users about what happened to their accounts.

mod letter;
mod letters;
mod notices;
#[cfg(test)]
mod tests;

use async_trait::async_trait;

use crate::{
    ports::{JobFailure, JobHandler},
    registry::Registry,
    types::{AuditEvent, Job, Mail, NewAuditEntry, NewJob, User, Username},
};
use letter::{Letter, one_line};

/// Sends mails about events. The texts are written when a mail is sent, from the account as it is then,
/// so the queue holds no address and no secret.
#[derive(Debug)]
pub(super) struct SendMail {
    registry: Registry,
}

impl SendMail {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry }
    }

    async fn send(&self, event: &NewAuditEntry, user: &User, letter: &Letter) -> Result<(), JobFailure> {
        let Some(mailing) = self.registry.mailing() else {
            metrics::counter!("aam_mails_total", "letter" => letter.name, "outcome" => "not_sent").increment(1);
            tracing::info!(
                event = "mail_not_sent",
                user = %user.username,
                user_id = %user.id,
                letter = letter.name,
                "a mail was not sent, since no mail server is set up",
            );
            return Ok(());
        };
        let (name, base_url) = (user.username.as_str(), mailing.base_url.as_str());
        let mail = Mail {
            id: format!("{}.{}", event.id, letter.name),
            to: user.email.clone(),
            subject: one_line(&letter.subject),
            text: letter.to_text(name, base_url),
            html: letter.to_html(name, base_url),
            at: event.timestamp,
        };
        let sent = mailing.mailer.send(&mail).await;
        let outcome = match &sent {
            Ok(()) => "sent",
            Err(failure) if failure.is_permanent => "refused",
            Err(_) => "failed",
        };
        metrics::counter!("aam_mails_total", "letter" => letter.name, "outcome" => outcome).increment(1);
        match sent {
            Ok(()) => {
                tracing::info!(
                    event = "mail_sent",
                    user = %user.username,
                    user_id = %user.id,
                    letter = letter.name,
                    "a mail was sent",
                );
                Ok(())
            }
            Err(failure) => {
                let told = format!("the mail `{}` to {} was not sent: {}", letter.name, user.username, failure.message);
                Err(if failure.is_permanent { JobFailure::for_good(told) } else { JobFailure::new(told) })
            }
        }
    }
}

#[async_trait]
impl JobHandler for SendMail {
    fn kind(&self) -> &'static str {
        "mail"
    }

    fn wants(&self, event: AuditEvent) -> bool {
        notices::are_of(event)
    }

    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure> {
        let event = job.event()?;
        let Some(username) = notices::recipient(&event).and_then(|name| name.parse::<Username>().ok()) else {
            return Ok(Vec::new());
        };
        // An account that is gone wants no mail.
        let Some(user) = self.registry.find_user(&username).await? else { return Ok(Vec::new()) };
        if let Some(letter) = notices::letter(&event, user.username.as_str()) {
            self.send(&event, &user, &letter).await?;
        }
        Ok(Vec::new())
    }
}
