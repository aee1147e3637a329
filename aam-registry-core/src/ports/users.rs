use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    decide::NewUser,
    error::Result,
    types::{User, UserId, UserProfile, Username},
};

/// Keeps accounts.
#[async_trait]
pub trait UserStore: Debug + Send + Sync + 'static {
    /// Makes an account and the scope of its name, which it owns.
    ///
    /// # Errors
    /// What [`NewUser::decide`] refuses.
    async fn create_user(&self, user: &NewUser) -> Result<()>;

    /// The account whose username or, where `login` holds an `@`, whose e-mail
    /// address (in any case) is `login`.
    async fn login(&self, login: &str) -> Result<Option<Login>>;

    /// The account of that id.
    async fn user(&self, id: UserId) -> Result<Option<User>>;

    /// What everybody may know of a user.
    async fn profile(&self, username: &Username) -> Result<Option<UserProfile>>;

    /// Whether there is any administrator.
    async fn has_admin(&self) -> Result<bool>;

    /// The user of a login session; `None` where the user does not exist, is
    /// disabled, the session of that id was revoked, or all sessions of that
    /// [generation](crate::ports::Session::generation) were ended but another one.
    async fn session_user(&self, user: UserId, session: &str, generation: u64) -> Result<Option<User>>;

    /// Revokes a session; it may be forgotten after `expires_at`.
    async fn revoke_session(&self, user: UserId, session: &str, expires_at: Timestamp) -> Result<()>;

    /// Forgets revocations of sessions that expired before `now`.
    async fn forget_sessions(&self, now: Timestamp) -> Result<()>;
}

/// What a login is checked against.
#[derive(Clone)]
pub struct Login {
    /// The account.
    pub user: User,
    /// The hash of its password, in PHC string format.
    pub password_hash: String,
    /// The [generation](crate::ports::Session::generation) of the sessions that begin now.
    pub session_generation: u64,
}

impl Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}
