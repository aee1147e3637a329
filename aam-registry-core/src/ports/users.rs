use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    error::Result,
    types::{Sight, User, UserId, UserProfile, Username},
};

/// Stores accounts.
#[async_trait]
pub trait UserStore: Debug + Send + Sync + 'static {
    /// The account with the username `login` or, if it contains an `@`, with that e-mail address (in
    /// any case).
    async fn login(&self, login: &str) -> Result<Option<Login>>;

    /// The account with that id.
    async fn user(&self, id: UserId) -> Result<Option<User>>;

    /// The public facts about a user, with the packages that are public or in `sight`.
    async fn profile(&self, username: &Username, sight: &Sight) -> Result<Option<UserProfile>>;

    /// Whether there is any administrator whose account is not disabled.
    async fn has_admin(&self) -> Result<bool>;

    /// The user of a login session; `None` if the user does not exist or is disabled, if the session
    /// with that id was revoked, or if all sessions of that
    /// [generation](crate::ports::Session::generation) were ended and this one was not exempted.
    async fn session_user(&self, user: UserId, session: &str, generation: u64) -> Result<Option<User>>;

    /// Deletes revocations of sessions, one-time tokens, tokens of trusted publishers, used ID tokens and invitations
    /// that expired before `now`, and sessions that are no longer
    /// [remembered](crate::types::LoginSession::REMEMBERED).
    async fn forget_sessions(&self, now: Timestamp) -> Result<()>;
}

/// The data against which a login is checked.
#[derive(Clone)]
pub struct Login {
    /// The account.
    pub user: User,
    /// The hash of its password, in PHC string format.
    pub password_hash: String,
    /// The [generation](crate::ports::Session::generation) of sessions that begin now.
    pub session_generation: u64,
}

impl Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}
