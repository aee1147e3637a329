//! Another password for who does not know the current one: by a mail, or by a link from an administrator.

use std::{net::IpAddr, time::Duration};

use jiff::{Timestamp, tz::TimeZone};

use super::{OPERATOR, login::MAX_LOGIN, password};
use crate::{
    decide::{AccountActor, AccountChange, AccountUpdate, Action},
    error::{Error, Result},
    ports::CommandHandlerExt,
    registry::Registry,
    types::{AuditEvent, NewAuditEntry, OneTimePurpose, OneTimeSecret, OneTimeToken, Principal, User, Username},
};

/// How long a link works that an administrator passes on.
const LINK_LIFETIME: Duration = Duration::from_hours(24);

/// The step of a reset that an audit entry of [`AuditEvent::UserPasswordReset`] records, in its
/// metadata. Without it, the operator has set a password.
pub(crate) const STEP: &str = "step";
/// Somebody asks for a mail with a link.
pub(crate) const REQUESTED: &str = "requested";
/// Somebody has registered with the address of an account that there is; the account's user gets a mail with a link.
pub(crate) const REGISTERED: &str = "registered";
/// An administrator has made a link.
pub(crate) const LINK: &str = "link";
/// A password was set by a link.
pub(crate) const DONE: &str = "done";

/// A secret with which another password can be set, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordResetLink {
    /// The account.
    pub user: User,
    /// The secret.
    pub secret: OneTimeSecret,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl PasswordResetLink {
    /// The link, at the public address of the registry. The secret is in its fragment, which browsers
    /// send to nobody.
    pub fn url(&self, base_url: &str) -> String {
        format!("{}/reset-password#{}", base_url.trim_end_matches('/'), self.secret.expose())
    }

    /// What to tell the user.
    pub fn text(&self, base_url: &str) -> String {
        format!(
            "Set a new password for your account {} at {} - the link works once, until {}. Or run `aam passwd --reset` \
             and paste the link.",
            self.user.username,
            self.url(base_url),
            self.expires_at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )
    }
}

impl Registry {
    /// Sends the user with that name or e-mail address a mail with a link to set another password,
    /// which works once and for an hour.
    ///
    /// The answer and its time are the same if there is no such user. A disabled account gets no mail,
    /// nor one that has several unused links.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the registry sends no mail.
    pub async fn request_password_reset(&self, login: &str, client: Option<IpAddr>) -> Result<()> {
        if self.mailing().is_none() {
            return Err(Error::forbidden(
                "This registry sends no mail; ask its administrator for a link to set another password",
            ));
        }
        let login = login.trim();
        let known = if login.len() <= MAX_LOGIN { self.inner().users.login(login).await? } else { None };
        // What is done for a known user takes longer, so it is done after the answer.
        let registry = self.clone();
        tokio::spawn(async move {
            let Some(known) = known else { return };
            if let Err(error) = registry.queue_reset(&known.user, REQUESTED, client).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(event = "password_reset_failed", user = %known.user.username, error, "no mail was queued");
            }
        });
        Ok(())
    }

    /// Tells the user of an account that somebody has registered with its address, by a mail with a link to set
    /// another password: whoever has forgotten an account has forgotten its password.
    pub(super) async fn tell_of_registration(&self, user: &User) -> Result<()> {
        self.queue_reset(user, REGISTERED, None).await
    }

    async fn queue_reset(&self, user: &User, step: &str, client: Option<IpAddr>) -> Result<()> {
        let mut audit = self.reset_entry(&user.username, step);
        if let Some(client) = client {
            audit = audit.with("client_ip", client.to_string());
        }
        let update = AccountUpdate::TokenRequest(OneTimePurpose::PasswordReset);
        let changed = self.change(AccountActor::Registry, &user.username, update, Some(audit)).await?;
        tracing::info!(
            event = "password_reset_requested",
            user = %user.username,
            user_id = %user.id,
            client_ip = client.map(tracing::field::display),
            mail = changed,
            "a link to reset a password was asked for",
        );
        Ok(())
    }

    /// Makes the link of a mail; `None` for an account that gets none.
    pub(crate) async fn mailed_reset_link(&self, username: &Username) -> Result<Option<PasswordResetLink>> {
        let lifetime = OneTimePurpose::PasswordReset.mailed_lifetime();
        self.make_link(AccountActor::Registry, username, lifetime, None).await
    }

    /// Makes a link with which the user sets another password, once and within a day, for registries
    /// without mail. It may be passed on to nobody else.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who is no administrator; [`Error::UserNotFound`];
    /// [`Error::InvalidRequest`] for an account that is disabled or has too many unused links.
    pub async fn make_reset_link(&self, by: &Principal, username: &Username) -> Result<PasswordResetLink> {
        Action::ResetPassword.require_credential(by, None)?;
        let audit = self.reset_entry(username, LINK).with_actor(by.username.as_str());
        let link = self.make_link(AccountActor::Admin(by.actor()), username, LINK_LIFETIME, Some(audit)).await?;
        require_link(link, username, by.username.as_str())
    }

    /// The same for the operator, never for clients.
    ///
    /// # Errors
    /// Those of [`make_reset_link`](Self::make_reset_link).
    pub async fn make_reset_link_as_operator(&self, username: &Username) -> Result<PasswordResetLink> {
        let audit = self.reset_entry(username, LINK).with_actor(OPERATOR);
        let link = self.make_link(AccountActor::Operator, username, LINK_LIFETIME, Some(audit)).await?;
        require_link(link, username, OPERATOR)
    }

    /// Sets another password for the user to whom the secret was given, and ends all sessions of the
    /// account. The secret works once.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the secret does not work, or for a password that is not good enough.
    pub async fn reset_password_with(&self, secret: &str, wanted: String) -> Result<()> {
        let secret = OneTimeSecret::parse(secret).ok_or_else(Error::one_time_token_ended)?;
        let (digest, purpose) = (secret.digest(), OneTimePurpose::PasswordReset);
        let user = self.inner().accounts.one_time_holder(&digest, purpose, self.now()).await?;
        let user = user.ok_or_else(Error::one_time_token_ended)?;
        let hash = self.checked_hash(&user, wanted).await?;
        let audit = self.reset_entry(&user.username, DONE).with_actor(user.username.as_str());
        let update = AccountUpdate::Password { hash };
        self.change(AccountActor::Holder(digest), &user.username, update, Some(audit)).await?;
        tracing::info!(event = "password_reset", user = %user.username, user_id = %user.id, "password reset by a link");
        Ok(())
    }

    async fn make_link(
        &self,
        by: AccountActor,
        username: &Username,
        lifetime: Duration,
        audit: Option<NewAuditEntry>,
    ) -> Result<Option<PasswordResetLink>> {
        let secret = OneTimeSecret::generate();
        let expires_at = self.now().checked_add(lifetime).map_err(Error::internal)?;
        let token = OneTimeToken { digest: secret.digest(), purpose: OneTimePurpose::PasswordReset, expires_at };
        let change = self.account_change(by, username, AccountUpdate::OneTimeToken(token), audit);
        let made = self.inner().commands.execute(&change).await?;
        Ok(made.changed.then_some(PasswordResetLink { user: made.user, secret, expires_at }))
    }

    async fn change(
        &self,
        by: AccountActor,
        username: &Username,
        update: AccountUpdate,
        audit: Option<NewAuditEntry>,
    ) -> Result<bool> {
        let change = self.account_change(by, username, update, audit);
        Ok(self.inner().commands.execute(&change).await?.changed)
    }

    fn account_change(
        &self,
        by: AccountActor,
        username: &Username,
        update: AccountUpdate,
        audit: Option<NewAuditEntry>,
    ) -> AccountChange {
        let now = audit.as_ref().map_or_else(|| self.now(), |audit| audit.timestamp);
        AccountChange { by, username: username.clone(), update, now, audit: audit.into_iter().collect() }
    }

    fn reset_entry(&self, username: &Username, step: &str) -> NewAuditEntry {
        NewAuditEntry::new(AuditEvent::UserPasswordReset, self.now()).with("user", username.as_str()).with(STEP, step)
    }

    /// The hash of a password for `user`, if it is good enough.
    pub(super) async fn checked_hash(&self, user: &User, wanted: String) -> Result<String> {
        let (username, email) = (user.username.clone(), user.email.clone());
        // Guessing at a long password takes milliseconds.
        let checked = tokio::task::spawn_blocking(move || match password::fault(&wanted, username.as_str(), &email) {
            None => Ok(wanted),
            Some(fault) => {
                Err(Error::InvalidRequest { message: "The password cannot be set".into(), details: vec![fault] })
            }
        });
        let wanted = checked.await.map_err(Error::internal)??;
        self.inner().passwords.hash(wanted).await
    }
}

/// The link, where one was made.
fn require_link(link: Option<PasswordResetLink>, username: &Username, by: &str) -> Result<PasswordResetLink> {
    let link = link.ok_or_else(|| {
        Error::invalid_request(format!(
            "{username} gets no link: the account is disabled, or has several unused links; enable it, or wait \
             until they have expired"
        ))
    })?;
    tracing::info!(event = "password_reset_link_made", user = %username, by, "a link to reset a password was made");
    Ok(link)
}
