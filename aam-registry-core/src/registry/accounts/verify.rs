//! Whether mail to the address of an account arrives.

use jiff::Timestamp;

use crate::{
    decide::{AccountActor, AccountChange, AccountUpdate, Action},
    error::{Error, Result},
    ports::CommandHandlerExt,
    registry::Registry,
    types::{AuditEvent, NewAuditEntry, OneTimePurpose, OneTimeSecret, OneTimeToken, Principal, SealedSecret, User},
};

/// A secret with which the user of an account shows that a mail has arrived, once.
#[derive(Clone, Debug)]
pub(crate) struct VerificationLink {
    secret: OneTimeSecret,
    /// When it stops working.
    pub(crate) expires_at: Timestamp,
}

impl VerificationLink {
    /// The link, at the public address of the registry. The secret is in its fragment, which browsers send to
    /// nobody.
    pub(crate) fn url(&self, base_url: &str) -> String {
        format!("{}/verify-email#{}", base_url.trim_end_matches('/'), self.secret.expose())
    }
}

/// What the old address of an account is sealed for.
const ADDRESS: &str = "the address of a mail";

impl Registry {
    /// Sends the caller a mail with a link to verify the e-mail address, which works once and for two days.
    /// Nothing is sent if it is verified, or if there are several unused links.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the registry sends no mail; [`Error::Forbidden`] with a token that lacks the
    /// scope `admin` or is restricted to packages.
    pub async fn request_email_verification(&self, by: &Principal) -> Result<()> {
        Action::VerifyEmail.require_credential(by, None)?;
        if self.mailing().is_none() {
            return Err(Error::invalid_request("This registry sends no mail, and so verifies no addresses"));
        }
        let audit = self
            .entry_by(AuditEvent::UserEmailVerify, by)
            .with("user", by.username.as_str())
            .with(super::STEP, super::REQUESTED);
        let update = AccountUpdate::TokenRequest(OneTimePurpose::EmailVerification);
        let change = AccountChange {
            by: AccountActor::Itself(by.actor()),
            username: by.username.clone(),
            update,
            now: audit.timestamp,
            audit: vec![audit],
        };
        self.inner().commands.execute(&change).await?;
        Ok(())
    }

    /// Verifies the e-mail address of the user to whom the secret was sent. The secret works once. That of a
    /// registration makes the account.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the secret does not work; for a registration also [`Error::UserExists`],
    /// [`Error::InvitationInvalid`] and [`Error::RegistrationClosed`], if that is so by then.
    pub async fn verify_email(&self, secret: &str) -> Result<()> {
        if self.confirm_registration(secret).await?.is_some() {
            return Ok(());
        }
        let secret = OneTimeSecret::parse(secret).ok_or_else(Error::one_time_token_ended)?;
        let (digest, purpose) = (secret.digest(), OneTimePurpose::EmailVerification);
        let user = self.inner().accounts.one_time_holder(&digest, purpose, self.now()).await?;
        let user = user.ok_or_else(Error::one_time_token_ended)?;
        let audit = NewAuditEntry::new(AuditEvent::UserEmailVerify, self.now())
            .with_actor(user.username.as_str())
            .with("user", user.username.as_str())
            .with(super::STEP, super::DONE);
        let change = AccountChange {
            by: AccountActor::Holder(digest),
            username: user.username.clone(),
            update: AccountUpdate::EmailVerified,
            now: audit.timestamp,
            audit: vec![audit],
        };
        self.inner().commands.execute(&change).await?;
        tracing::info!(event = "email_verified", user = %user.username, user_id = %user.id, "e-mail address verified");
        Ok(())
    }

    /// Makes the link of a mail; `None` for an account that gets none.
    pub(crate) async fn mailed_verification_link(&self, user: &User) -> Result<Option<VerificationLink>> {
        let (secret, purpose) = (OneTimeSecret::generate(), OneTimePurpose::EmailVerification);
        let now = self.now();
        let expires_at = now.checked_add(purpose.mailed_lifetime()).map_err(Error::internal)?;
        let change = AccountChange {
            by: AccountActor::Registry,
            username: user.username.clone(),
            update: AccountUpdate::OneTimeToken(OneTimeToken { digest: secret.digest(), purpose, expires_at }),
            now,
            audit: Vec::new(),
        };
        let made = self.inner().commands.execute(&change).await?;
        Ok(made.changed.then_some(VerificationLink { secret, expires_at }))
    }

    /// The address of a user, sealed for a mail that is sent after it has changed; `None` where no mail is sent, or
    /// nothing can be sealed.
    pub(super) fn sealed_address(&self, user: &User) -> Result<Option<SealedSecret>> {
        let keys = self.inner().secrets.as_ref().filter(|_| self.mailing().is_some());
        keys.map(|keys| keys.seal(&user.email, ADDRESS)).transpose()
    }

    /// The address that [`sealed_address`](Self::sealed_address) sealed.
    pub(crate) fn opened_address(&self, sealed: &SealedSecret) -> Result<String> {
        let keys = self.inner().secrets.as_ref().ok_or_else(|| Error::internal("no key of stored secrets is set"))?;
        keys.open(sealed, ADDRESS)
    }
}
