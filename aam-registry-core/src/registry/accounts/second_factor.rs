//! The second factor of an account.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Guesser, OPERATOR};
use crate::{
    decide::{Action, SecondFactorChange, SecondFactorUpdate, UsedCode},
    error::{Error, Result},
    ports::{CommandHandlerExt, QueryHandlerExt, SecondFactorOf, SecretSealer},
    registry::Registry,
    types::{AuditEvent, NewAuditEntry, Principal, RecoveryCode, SecondFactor, TotpSecret, User, UserId, Username},
};

/// A second factor that its user has begun to enroll.
#[derive(Clone, Debug)]
pub struct EnrolledFactor {
    /// The seed.
    pub secret: TotpSecret,
    /// The address that authenticator apps read.
    pub otpauth_uri: String,
}

/// The most characters of a one-time password or a recovery code that are looked at.
const MAX_CODE: usize = 64;

impl Registry {
    /// Begins to enroll a second factor of the caller's. It is needed once it is
    /// [confirmed](Self::confirm_second_factor); `issuer` is how authenticator apps call the registry.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the account has one already; [`Error::Forbidden`] if the registry has no key to
    /// encrypt it with, and with a token that lacks the scope `admin` or is restricted to packages.
    pub async fn enroll_second_factor(&self, by: &Principal, issuer: &str) -> Result<EnrolledFactor> {
        Action::ChangeSecondFactor.require_credential(by, None)?;
        let secret = TotpSecret::generate();
        let sealed = self.factor_sealer()?.seal(&secret.expose(), &context(by.user))?;
        let update = SecondFactorUpdate::Begin { actor: by.actor(), secret: sealed };
        self.change_second_factor(&by.username, update, None).await?;
        let otpauth_uri = secret.otpauth_uri(issuer, &by.username);
        Ok(EnrolledFactor { secret, otpauth_uri })
    }

    /// Makes the second factor that the caller has begun to enroll necessary for logins, if `otp` is a code of it.
    /// The recovery codes are told here and never again.
    ///
    /// Wrong codes are limited as the wrong passwords of a [login](Self::login_from).
    ///
    /// # Errors
    /// [`Error::OtpInvalid`]; [`Error::InvalidRequest`] if none was begun; [`Error::Forbidden`];
    /// [`Error::RateLimited`].
    pub async fn confirm_second_factor(&self, by: &Principal, otp: &str) -> Result<Vec<RecoveryCode>> {
        self.confirm_second_factor_as(Guesser::at(None), by, otp).await
    }

    pub(crate) async fn confirm_second_factor_as(
        &self,
        guesser: Guesser,
        by: &Principal,
        otp: &str,
    ) -> Result<Vec<RecoveryCode>> {
        let (by, otp, login) = (by.clone(), otp.to_owned(), by.username.clone());
        let guess = async move |registry: Self| registry.check_and_confirm(&by, &otp).await;
        self.limit_guesses(guesser, login.as_str(), guess).await
    }

    async fn check_and_confirm(&self, by: &Principal, otp: &str) -> Result<Vec<RecoveryCode>> {
        Action::ChangeSecondFactor.require_credential(by, None)?;
        let factor = self.inner().queries.ask(SecondFactorOf(by.user)).await?;
        let factor = factor.filter(|factor| !factor.is_confirmed);
        let factor = factor.ok_or_else(|| Error::invalid_request("No second factor waits for a code; begin anew"))?;
        let code = self.checked_code(by.user, &factor, otp)?;
        let codes: Vec<_> = (0..RecoveryCode::COUNT).map(|_| RecoveryCode::generate()).collect();
        let recovery_codes = codes.iter().map(RecoveryCode::digest).collect();
        let audit = self.entry_by(AuditEvent::UserTotpEnable, by).with("user", by.username.as_str());
        let update = SecondFactorUpdate::Confirm { actor: by.actor(), code, recovery_codes };
        self.change_second_factor(&by.username, update, Some(audit)).await?;
        tracing::info!(event = "totp_enabled", user = %by.username, user_id = %by.user, "second factor enabled");
        Ok(codes)
    }

    /// Removes the caller's second factor, if `otp` is a code of it or one of its recovery codes.
    ///
    /// # Errors
    /// [`Error::OtpInvalid`]; [`Error::InvalidRequest`] if there is none; [`Error::Forbidden`];
    /// [`Error::RateLimited`].
    pub async fn disable_second_factor(&self, by: &Principal, otp: &str) -> Result<()> {
        self.disable_second_factor_as(Guesser::at(None), by, otp).await
    }

    pub(crate) async fn disable_second_factor_as(&self, guesser: Guesser, by: &Principal, otp: &str) -> Result<()> {
        let (by, otp, login) = (by.clone(), otp.to_owned(), by.username.clone());
        let guess = async move |registry: Self| registry.check_and_disable(&by, &otp).await;
        self.limit_guesses(guesser, login.as_str(), guess).await
    }

    async fn check_and_disable(&self, by: &Principal, otp: &str) -> Result<()> {
        Action::ChangeSecondFactor.require_credential(by, None)?;
        let factor = self.inner().queries.ask(SecondFactorOf(by.user)).await?.filter(|factor| factor.is_confirmed);
        let factor = factor.ok_or_else(|| Error::invalid_request("The account has no second factor"))?;
        let code = self.checked_code(by.user, &factor, otp)?;
        let audit = self.entry_by(AuditEvent::UserTotpDisable, by).with("user", by.username.as_str());
        let update = SecondFactorUpdate::Disable { actor: by.actor(), code };
        self.change_second_factor(&by.username, update, Some(audit)).await?;
        tracing::info!(event = "totp_disabled", user = %by.username, user_id = %by.user, "second factor disabled");
        Ok(())
    }

    /// Removes the second factor of a user who has lost it: for the operator, never for clients.
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::InvalidRequest`] if there is none.
    pub async fn reset_second_factor(&self, username: &Username) -> Result<()> {
        let audit = NewAuditEntry::new(AuditEvent::UserTotpDisable, self.now())
            .with_actor(OPERATOR)
            .with("user", username.as_str());
        self.change_second_factor(username, SecondFactorUpdate::Reset, Some(audit)).await?;
        tracing::info!(event = "totp_disabled", user = %username, by = OPERATOR, "second factor disabled");
        Ok(())
    }

    /// Requires a code of somebody who has given the right password, where the account has a second factor.
    ///
    /// # Errors
    /// [`Error::OtpRequired`] without a code, [`Error::OtpInvalid`] for a wrong one or one that was used.
    pub(super) async fn require_second_factor(&self, user: &User, otp: Option<&str>) -> Result<()> {
        if !user.otp_enabled {
            return Ok(());
        }
        let otp = otp.map(str::trim).filter(|otp| !otp.is_empty()).ok_or(Error::OtpRequired)?;
        let factor = self.inner().queries.ask(SecondFactorOf(user.id)).await?.ok_or(Error::OtpInvalid)?;
        let code = self.checked_code(user.id, &factor, otp)?;
        self.change_second_factor(&user.username, SecondFactorUpdate::Use(code), None).await
    }

    /// What `otp` is, if it is a code of the factor. Whether it was used before, the transaction says.
    fn checked_code(&self, user: UserId, factor: &SecondFactor, otp: &str) -> Result<UsedCode> {
        if otp.len() > MAX_CODE {
            return Err(Error::OtpInvalid);
        }
        if let Some(code) = RecoveryCode::parse(otp) {
            return Ok(UsedCode::Recovery(code.digest()));
        }
        let opened = self.factor_sealer()?.open(&factor.secret, &context(user))?;
        let secret = TotpSecret::parse(&opened).ok_or_else(|| Error::internal("a stored seed cannot be read"))?;
        let step = secret.step_of(otp, self.now()).ok_or(Error::OtpInvalid)?;
        Ok(UsedCode::Step { secret: factor.secret.clone(), step })
    }

    async fn change_second_factor(
        &self,
        username: &Username,
        update: SecondFactorUpdate,
        audit: Option<NewAuditEntry>,
    ) -> Result<()> {
        let now: Timestamp = audit.as_ref().map_or_else(|| self.now(), |audit| audit.timestamp);
        let change = SecondFactorChange { username: username.clone(), update, now, audit };
        self.inner().commands.execute(&change).await.map(drop)
    }

    /// Whether users can have a second factor: whether the registry has a key to encrypt it with.
    pub(crate) fn has_second_factors(&self) -> bool {
        self.inner().secrets.is_some()
    }

    fn factor_sealer(&self) -> Result<&Arc<dyn SecretSealer>> {
        self.inner().secrets.as_ref().ok_or_else(|| {
            Error::forbidden(
                "This registry has no key to encrypt second factors with; ask its operator to set SECRETS_KEY",
            )
        })
    }
}

/// What the seed of a user is sealed for.
fn context(user: UserId) -> String {
    format!("totp {user}")
}
