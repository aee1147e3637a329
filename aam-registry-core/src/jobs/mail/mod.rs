//! Mails to users about what happened to their accounts.

mod letter;
mod letters;
mod notices;
#[cfg(test)]
mod tests;

use async_trait::async_trait;

use crate::{
    error::Result as DomainResult,
    ports::{JobFailure, JobHandler},
    registry::{RegistrationMail, Registry, invitation_url},
    types::{AccountRole, AuditEvent, Job, Mail, NewAuditEntry, NewJob, SealedSecret, User, UserId, Username},
};
use jiff::SignedDuration;
use letter::{Letter, one_line};

/// How long after somebody has asked for it a link to reset the password is sent.
const RESET_WANTED: SignedDuration = SignedDuration::from_hours(6);

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

    /// Sends the link with which the user sets another password. It is made here, so that its secret is
    /// in the mail alone. A mail that is sent again has another link, and each of them works.
    async fn send_reset(&self, event: &NewAuditEntry, user: &User, attempts: u64) -> Result<(), JobFailure> {
        let Some(mailing) = self.registry.mailing() else { return Ok(()) };
        // A link that comes long after it was asked for is not expected any more.
        let is_late = self.registry.now().duration_since(event.timestamp) > RESET_WANTED;
        let link = if is_late { None } else { self.registry.mailed_reset_link(&user.username).await? };
        let Some(link) = link else {
            if attempts > 1 && !is_late {
                // The links of the attempts before count until they expire.
                return Err(JobFailure::new("the account has several unused links; the mail waits until one expires"));
            }
            tracing::info!(
                event = "mail_not_sent",
                user = %user.username,
                user_id = %user.id,
                letter = "password-reset",
                late = is_late,
                "a link to reset a password was not sent: the account is disabled, has several, or it is too late",
            );
            return Ok(());
        };
        self.send(event, user, &notices::reset_letter(event, &link, &mailing.base_url)).await
    }

    /// Sends the link with which the user verifies the address. A mail that is sent again has another link.
    async fn send_verification(&self, event: &NewAuditEntry, user: &User) -> Result<(), JobFailure> {
        let Some(mailing) = self.registry.mailing() else { return Ok(()) };
        let Some(link) = self.registry.mailed_verification_link(user).await? else { return Ok(()) };
        self.send(event, user, &notices::verification_letter(event, &link, &mailing.base_url)).await
    }

    async fn send(&self, event: &NewAuditEntry, user: &User, letter: &Letter) -> Result<(), JobFailure> {
        self.send_to(&user.email, event, user, letter).await
    }

    async fn send_to(
        &self,
        address: &str,
        event: &NewAuditEntry,
        user: &User,
        letter: &Letter,
    ) -> Result<(), JobFailure> {
        self.deliver(address, event, user.username.as_str(), Some(user.id), letter).await
    }

    /// Sends the link of an invitation to its address.
    async fn send_invitation(&self, event: &NewAuditEntry, sealed: &SealedSecret) -> Result<(), JobFailure> {
        let Some(mailing) = self.registry.mailing() else { return Ok(()) };
        let (secret, address) = self.registry.opened_invitation(sealed)?;
        let letter = notices::invitation_letter(event, &invitation_url(&secret, &mailing.base_url));
        // The log names the address nowhere.
        self.deliver(&address, event, "", None, &letter).await
    }

    /// Sends the link with which the account of a registration is made.
    async fn send_registration(&self, event: &NewAuditEntry, sealed: &SealedSecret) -> Result<(), JobFailure> {
        let Some(mailing) = self.registry.mailing() else { return Ok(()) };
        match self.registry.registration_mail(sealed, &mailing.base_url).await? {
            RegistrationMail::Confirm { address, username, url, expires_at } => {
                let letter = notices::registration_letter(&url, expires_at);
                self.deliver(&address, event, username.as_str(), None, &letter).await
            }
            RegistrationMail::Known => Ok(()),
        }
    }

    /// Sends a letter to somebody who may have no account yet, and then has no name.
    async fn deliver(
        &self,
        address: &str,
        event: &NewAuditEntry,
        name: &str,
        user_id: Option<UserId>,
        letter: &Letter,
    ) -> Result<(), JobFailure> {
        let user_id = user_id.map(tracing::field::display);
        let Some(mailing) = self.registry.mailing() else {
            metrics::counter!("aam_mails_total", "outcome" => "not_sent").increment(1);
            tracing::info!(
                event = "mail_not_sent",
                user = name,
                user_id,
                letter = letter.name,
                "a mail was not sent, since no mail server is set up",
            );
            return Ok(());
        };
        let base_url = mailing.base_url.as_str();
        let mail = Mail {
            id: format!("{}.{}", event.id, letter.name),
            to: address.to_owned(),
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
        metrics::counter!("aam_mails_total", "outcome" => outcome).increment(1);
        match sent {
            Ok(()) => {
                tracing::info!(event = "mail_sent", user = name, user_id, letter = letter.name, "a mail was sent",);
                Ok(())
            }
            Err(failure) => {
                let to = if name.is_empty() { "the invited address" } else { name };
                let told = format!("the mail `{}` to {to} was not sent: {}", letter.name, failure.message);
                Err(if failure.is_permanent { JobFailure::for_good(told) } else { JobFailure::new(told) })
            }
        }
    }
}

#[async_trait]
impl JobHandler for SendMail {
    fn kind(&self) -> &'static str {
        NewJob::MAIL
    }

    fn wants(&self, event: AuditEvent) -> bool {
        notices::are_of(event)
    }

    /// An event that several users are told of makes a job for each, so that none waits for another.
    async fn kinds_for(&self, event: &NewAuditEntry) -> DomainResult<Vec<String>> {
        if !self.wants(event.event) {
            return Ok(Vec::new());
        }
        let several = if event.event == AuditEvent::PackagePublish {
            // The publisher decides about nothing.
            let mut approvers = Vec::new();
            if notices::is_for_approvers(event) {
                approvers = self.registry.holders_of(AccountRole::Approver).await?;
                if approvers.is_empty() {
                    // Without an approver, administrators approve.
                    approvers = self.registry.holders_of(AccountRole::Admin).await?;
                }
                approvers.retain(|approver| event.actor.as_deref() != Some(approver.as_str()));
            }
            Some(approvers)
        } else if let Some(package) = event.package.as_ref().filter(|_| notices::is_for_owners(event)) {
            Some(self.registry.owners_to_tell(package).await?)
        } else if let Some(scope) = notices::scope_to_tell(event) {
            Some(self.registry.owners_of_scope(&scope).await?)
        } else if let Some(role) = notices::role_to_tell(event) {
            let holders = self.registry.holders_of(role).await?;
            // Without a moderator, administrators moderate.
            let is_nobody = holders.is_empty();
            Some(if is_nobody { self.registry.holders_of(AccountRole::Admin).await? } else { holders })
        } else {
            None
        };
        Ok(match several {
            Some(users) => users.iter().map(|user| format!("{}:{user}", NewJob::MAIL)).collect(),
            None => vec![NewJob::MAIL.to_owned()],
        })
    }

    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure> {
        let event = job.event()?;
        if let Some(sealed) = job.mail_address().filter(|_| event.event == AuditEvent::UserRegister) {
            return self.send_registration(&event, &sealed).await.map(|()| Vec::new());
        }
        if let Some(sealed) = job.mail_address().filter(|_| event.event == AuditEvent::UserInvite) {
            return self.send_invitation(&event, &sealed).await.map(|()| Vec::new());
        }
        let named = job.kind.split_once(':').map(|(_, username)| username);
        let recipient = named.or_else(|| notices::recipient(&event));
        let Some(username) = recipient.and_then(|name| name.parse::<Username>().ok()) else {
            return Ok(Vec::new());
        };
        // An account that is gone wants no mail.
        let Some(user) = self.registry.find_user(&username).await? else { return Ok(Vec::new()) };
        if let Some(sealed) = job.mail_address() {
            let address = self.registry.opened_address(&sealed)?;
            let letter = notices::address_changed_letter(&event);
            return self.send_to(&address, &event, &user, &letter).await.map(|()| Vec::new());
        }
        if notices::asks_for_verification(&event) {
            return self.send_verification(&event, &user).await.map(|()| Vec::new());
        }
        if notices::asks_for_reset(&event) {
            return self.send_reset(&event, &user, job.attempts).await.map(|()| Vec::new());
        }
        if let Some(letter) = notices::letter(&event, user.username.as_str()) {
            self.send(&event, &user, &letter).await?;
        }
        Ok(Vec::new())
    }
}
