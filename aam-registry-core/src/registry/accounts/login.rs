use std::{fmt, net::IpAddr};

use jiff::Timestamp;
use tracing::field;
use uuid::Uuid;

use super::{Guesser, password};
use crate::{
    decide::{Action, BeginSession, LogOut},
    error::{Error, Result},
    ports::{CommandHandlerExt, Login, Session},
    registry::{Registry, suspicion::LoginFailure},
    types::{AuditEvent, LoginClient, LoginSession, NewAuditEntry, Principal, User},
};

/// The longest address there is (RFC 5321) and longer than any username.
pub(super) const MAX_LOGIN: usize = 254;

/// The bearer token of a new login session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken {
    /// The JWT.
    pub access_token: String,
    /// When the session began, to the second.
    pub issued_at: Timestamp,
    /// When it ends, to the second.
    pub expires_at: Timestamp,
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionToken")
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A login, as it was typed.
#[derive(Clone, Default)]
pub struct LoginRequest {
    /// The username or the e-mail address.
    pub login: String,
    /// The password.
    pub password: String,
    /// A code of the second factor, for accounts that have one.
    pub otp: Option<String>,
    /// Where it comes from.
    pub client: LoginClient,
}

impl fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequest").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Registry {
    /// Begins a session of the user with that username or e-mail address.
    ///
    /// It takes as long for an unknown user as for a wrong password. Wrong passwords for one account
    /// are limited to those of the class [`Auth`](crate::ports::RateClass::Auth); whoever uses them up
    /// also keeps the owner out for a minute. [`login_from`](Self::login_from) prevents that.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`] for an unknown user and a wrong password;
    /// [`Error::OtpRequired`] and [`Error::OtpInvalid`] for an account with a second factor;
    /// [`Error::RateLimited`] after too many wrong passwords;
    /// [`Error::Forbidden`] if the password is right and the account is disabled;
    /// [`Error::Overloaded`] if too many users log in at once.
    pub async fn login(&self, login: &str, password: String) -> Result<SessionToken> {
        self.log_in(LoginRequest { login: login.to_owned(), password, ..LoginRequest::default() }).await
    }

    /// The same for a user at the address `client`, which is recorded in the log and the audit log.
    ///
    /// Wrong passwords are limited for the address, for the address and account together, and for the
    /// account; the last limit does not affect addresses that have not failed for the account.
    ///
    /// # Errors
    /// Those of [`login`](Self::login).
    pub async fn login_from(&self, client: IpAddr, login: &str, password: String) -> Result<SessionToken> {
        let client = LoginClient::new(Some(client), None);
        self.log_in(LoginRequest { login: login.to_owned(), password, otp: None, client }).await
    }

    /// The same for a client of which more is known. Its user is told by mail of a login from a new place.
    ///
    /// # Errors
    /// Those of [`login`](Self::login).
    pub async fn log_in(&self, request: LoginRequest) -> Result<SessionToken> {
        self.login_as(Guesser::at(request.client.address), request).await
    }

    pub(crate) async fn login_as(&self, guesser: Guesser, request: LoginRequest) -> Result<SessionToken> {
        let (login, has_code) = (request.login.clone(), request.otp.is_some());
        let guess = async move |registry: Self, needs_code: bool| registry.begin_login(request, needs_code).await;
        self.limit_logins(guesser, &login, has_code, guess).await
    }

    /// Begins a session if password and code are right. `needs_code` says that the account must have a second
    /// factor.
    async fn begin_login(&self, request: LoginRequest, needs_code: bool) -> Result<SessionToken> {
        let LoginRequest { login, password, otp, client } = request;
        let (login, address) = (login.as_str(), client.address);
        let known = if login.len() <= MAX_LOGIN { self.inner().users.login(login).await? } else { None };
        let generation = known.as_ref().map_or(0, |known| known.session_generation);
        let (user, hash) = known.map(|known| (known.user, known.password_hash)).unzip();
        let in_bounds = password.len() <= password::MAX_BYTES;
        // Too long for a password, but it must take as long to check.
        let password = if in_bounds { password } else { String::new() };
        let right = self.inner().passwords.verify(password, hash).await? && in_bounds;
        match user {
            Some(user) if right && !user.disabled && needs_code && !user.otp_enabled => {
                self.note_failed_login(Some(&user), address, LoginFailure::Credentials).await;
                Err(Error::InvalidCredentials)
            }
            Some(user) if right && !user.disabled => {
                let passed = self.require_second_factor(&user, otp.as_deref()).await;
                if matches!(passed, Err(Error::OtpInvalid)) {
                    self.note_failed_login(Some(&user), address, LoginFailure::SecondFactor).await;
                }
                passed?;
                self.begin_session(&user, generation, client).await
            }
            // A user who knows the password may learn that the account is disabled.
            Some(user) if right => {
                self.note_failed_login(Some(&user), address, LoginFailure::Disabled).await;
                Err(Error::forbidden("This account is disabled; ask the administrator of this registry to enable it"))
            }
            user => {
                self.note_failed_login(user.as_ref(), address, LoginFailure::Credentials).await;
                Err(Error::InvalidCredentials)
            }
        }
    }

    /// Requires that `password`, which came from the address `client`, is the password of the account.
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`], [`Error::Overloaded`].
    pub(super) async fn require_password(&self, known: &Login, password: String, client: Option<IpAddr>) -> Result<()> {
        let hash = Some(known.password_hash.clone());
        if password.len() <= password::MAX_BYTES && self.inner().passwords.verify(password, hash).await? {
            return Ok(());
        }
        self.note_failed_login(Some(&known.user), client, LoginFailure::Confirmation).await;
        Err(Error::InvalidCredentials)
    }

    /// Begins a session of `generation`, which was read together with the password hash.
    async fn begin_session(&self, user: &User, generation: u64, client: LoginClient) -> Result<SessionToken> {
        let now = self.now();
        let issued_at = Timestamp::from_second(now.as_second()).map_err(Error::internal)?;
        let expires_at = issued_at.checked_add(self.policy().session_lifetime).map_err(Error::internal)?;
        let expires_at = Timestamp::from_second(expires_at.as_second()).map_err(Error::internal)?;
        let session = Session { id: Uuid::new_v4().to_string(), user: user.id, generation, issued_at, expires_at };
        let access_token = self.inner().sessions.sign(&session)?;
        let entry = NewAuditEntry::new(AuditEvent::UserLogin, now).with_actor(user.username.as_str());
        let mut audit = from(entry, client.address);
        if let Some(agent) = &client.agent {
            audit = audit.with("client", agent.as_str());
        }
        let (id, user_id) = (session.id, user.id);
        let session = LoginSession {
            id,
            user: user_id,
            generation,
            client: client.clone(),
            created_at: now,
            last_seen_at: now,
            expires_at,
        };
        let begin = BeginSession { session, username: user.username.clone(), audit };
        let is_new_place = self.inner().commands.execute(&begin).await?;
        let client = client.address;
        tracing::info!(
            event = "login",
            user = %user.username,
            user_id = %user.id,
            client_ip = client.map(field::display),
            is_new_place,
            "user logged in",
        );
        Ok(SessionToken { access_token, issued_at, expires_at })
    }

    /// Records a failed login. The name is recorded only if a user has it: an unknown name may be a
    /// password that was typed into the wrong field.
    async fn note_failed_login(&self, user: Option<&User>, client: Option<IpAddr>, why: LoginFailure) {
        why.count();
        let mut entry = from(NewAuditEntry::new(AuditEvent::UserLoginFailed, self.now()), client);
        if let Some(user) = user {
            entry = entry.with_actor(user.username.as_str());
        }
        tracing::warn!(
            event = "login_failed",
            user = user.map(|user| field::display(&user.username)),
            user_id = user.map(|user| field::display(user.id)),
            client_ip = client.map(field::display),
            cause = why.as_str(),
            "login failed",
        );
        if let Err(error) = self.inner().audit.append(&entry).await {
            tracing::warn!(
                event = "audit_append_failed",
                error = &error as &dyn std::error::Error,
                "a failed login could not be noted",
            );
        }
    }

    /// Ends the caller's session.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the caller used an API token.
    pub async fn logout(&self, by: &Principal) -> Result<()> {
        Action::LogOut.require_credential(by, None)?;
        let audit = self.entry_by(AuditEvent::UserLogout, by);
        let log_out = LogOut { actor: by.actor(), now: audit.timestamp, audit };
        self.inner().commands.execute(&log_out).await?;
        tracing::info!(event = "logout", user = %by.username, "user logged out");
        Ok(())
    }
}

/// Adds the client's address to an entry.
fn from(entry: NewAuditEntry, client: Option<IpAddr>) -> NewAuditEntry {
    match client {
        Some(client) => entry.with("client_ip", client.to_string()),
        None => entry,
    }
}
