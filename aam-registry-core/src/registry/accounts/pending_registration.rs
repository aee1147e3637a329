//! Registrations that wait for their address to be verified.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    decide::{InvitationOfSecret, NewUser, UsedInvitation, require_writable},
    error::{Error, Result},
    ports::{CommandHandlerExt, QueryHandlerExt, RateClass},
    registry::{RegistrationPolicy, Registry, rate_limits::take_request},
    types::{
        AccountRoles, AuditEvent, NewAuditEntry, NewJob, OneTimePurpose, SealedSecret, Sha256Digest, User, Username,
    },
};

/// What a registration is sealed for.
const CONTEXT: &str = "a registration that waits for its address to be verified";

/// A registration as it is kept until its link is opened: in the mail with the link, encrypted, and nowhere else.
///
/// So the registry has nothing that could tell whether the address was known when somebody registered with it: no
/// account, no name that is taken, no row.
#[derive(Clone, Debug)]
pub(super) struct PendingRegistration {
    pub(super) user: User,
    pub(super) password_hash: String,
    pub(super) invitation: Option<Sha256Digest>,
}

/// What a mail to somebody who has registered says.
#[derive(Debug)]
pub(crate) enum RegistrationMail {
    /// The link with which the account is made.
    Confirm {
        /// The address that it is sent to.
        address: String,
        /// The username wanted.
        username: Username,
        /// The link.
        url: String,
        /// When it stops working.
        expires_at: Timestamp,
    },
    /// There is an account with that address, whose user is told in a mail of its own.
    Known,
}

impl Registry {
    /// Whether somebody who registers gets an account only by the link that is mailed to the address.
    ///
    /// The host needs a mailer and a key to encrypt secrets with. Otherwise accounts are made at once, and an address
    /// that is known is refused.
    pub fn verifies_registrations(&self) -> bool {
        self.mailing().is_some() && self.inner().secrets.is_some()
    }

    /// Queues the mail to the address of a registration. It takes the same steps whether the address is known or not:
    /// what the mail says is decided when it is sent.
    ///
    /// An address gets no more than the few mails a day of the class [`ForgivenLogin`](RateClass::ForgivenLogin), so
    /// that nobody can flood it by registering again and again.
    pub(super) async fn queue_registration(&self, pending: &PendingRegistration) -> Result<()> {
        // The account could not be made by the link.
        require_writable(self.read_only().await?.as_ref())?;
        let keys = self.inner().secrets.as_ref().ok_or_else(|| Error::internal("no key of stored secrets is set"))?;
        let sealed = keys.seal(&pending.to_text(), CONTEXT)?;
        let key = format!("registration:{}", pending.user.email.to_lowercase());
        let decision = take_request(&**self.rate_limiter(), RateClass::ForgivenLogin, &key).await;
        let is_over_limit = decision.is_some_and(|decision| decision.retry_after.is_some());
        if !is_over_limit {
            let event = NewAuditEntry::new(AuditEvent::UserRegister, pending.user.created_at);
            self.job_queue().enqueue(&[NewJob::mail_to(&event, &sealed)]).await?;
        }
        tracing::info!(event = "registration_requested", mail = !is_over_limit, "somebody asked for an account");
        Ok(())
    }

    /// What the mail about a registration says. Where the address is known, its user is told, too.
    pub(crate) async fn registration_mail(&self, sealed: &SealedSecret, base_url: &str) -> Result<RegistrationMail> {
        let pending = self.opened_registration(sealed)?;
        if let Some(known) = self.inner().users.login(&pending.user.email).await? {
            self.tell_of_registration(&known.user).await?;
            return Ok(RegistrationMail::Known);
        }
        let secret = BASE64URL_NOPAD.encode(sealed.as_str().as_bytes());
        let url = format!("{}/verify-email#{secret}", base_url.trim_end_matches('/'));
        let expires_at = pending.expires_at()?;
        let User { email: address, username, .. } = pending.user;
        Ok(RegistrationMail::Confirm { address, username, url, expires_at })
    }

    /// Makes the account of a registration whose link was opened; `None` if `secret` is no such link, or the end of
    /// one. A link that is opened again does nothing.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if it has expired; [`Error::UserExists`] if the name or the address was taken
    /// meanwhile; [`Error::InvitationInvalid`] if the invitation was; [`Error::RegistrationClosed`].
    pub(super) async fn confirm_registration(&self, secret: &str) -> Result<Option<User>> {
        let Some(pending) = self.registration_of(secret) else { return Ok(None) };
        if let Some(user) = self.inner().users.user(pending.user.id).await? {
            return Ok(Some(user));
        }
        if pending.expires_at()? <= self.now() {
            return Err(Error::one_time_token_ended());
        }
        if self.policy().registration == RegistrationPolicy::Closed {
            return Err(Error::RegistrationClosed);
        }
        let PendingRegistration { user, password_hash, invitation } = pending;
        let mut audit = NewAuditEntry::new(AuditEvent::UserRegister, self.now()).with_actor(user.username.as_str());
        let mut used = None;
        if let Some(digest) = invitation {
            let invitation = self.inner().queries.ask(InvitationOfSecret(digest)).await?;
            let invitation = invitation.ok_or(Error::InvitationInvalid)?;
            audit = audit.with("invitation", invitation.id.to_string());
            used = Some(UsedInvitation::new(&invitation, &user.username, audit.timestamp));
        }
        let user = User { email_verified: true, created_at: audit.timestamp, ..user };
        let new = NewUser { user, password_hash, audit, invitation: used };
        self.inner().commands.execute(&new).await?;
        let user = new.user;
        tracing::info!(event = "user_registered", user = %user.username, user_id = %user.id, "user registered");
        Ok(Some(user))
    }

    /// The registration that the link, or the end of one, holds.
    fn registration_of(&self, secret: &str) -> Option<PendingRegistration> {
        let secret = secret.trim();
        let secret = secret.rsplit_once('#').map_or(secret, |(_, secret)| secret);
        let sealed = String::from_utf8(BASE64URL_NOPAD.decode(secret.as_bytes()).ok()?).ok()?;
        self.opened_registration(&SealedSecret::new(sealed)).ok()
    }

    fn opened_registration(&self, sealed: &SealedSecret) -> Result<PendingRegistration> {
        let keys = self.inner().secrets.as_ref().ok_or_else(|| Error::internal("no key of stored secrets is set"))?;
        let unreadable = || Error::internal("a registration cannot be read");
        PendingRegistration::from_text(&keys.open(sealed, CONTEXT)?).ok_or_else(unreadable)
    }
}

impl PendingRegistration {
    fn expires_at(&self) -> Result<Timestamp> {
        let lifetime = OneTimePurpose::EmailVerification.mailed_lifetime();
        self.user.created_at.checked_add(lifetime).map_err(Error::internal)
    }

    fn to_text(&self) -> String {
        let User { id, username, email, created_at, .. } = &self.user;
        json!({
            "id": id.to_string(),
            "username": username.as_str(),
            "email": email,
            "hash": self.password_hash,
            "invitation": self.invitation.map(|digest| digest.to_string()),
            "at": created_at.as_microsecond(),
        })
        .to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        let read: Value = serde_json::from_str(text).ok()?;
        let text = |field: &str| read[field].as_str();
        let user = User {
            id: text("id")?.parse().ok()?,
            username: text("username")?.parse().ok()?,
            email: text("email")?.to_owned(),
            roles: AccountRoles::NONE,
            email_verified: false,
            otp_enabled: false,
            disabled: false,
            created_at: Timestamp::from_microsecond(read["at"].as_i64()?).ok()?,
        };
        let invitation = match text("invitation") {
            Some(digest) => Some(digest.parse().ok()?),
            None => None,
        };
        Some(Self { user, password_hash: text("hash")?.to_owned(), invitation })
    }
}
