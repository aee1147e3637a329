use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    error::Result,
    types::{LoginSession, UserId},
};

/// Stores login sessions, so that their users can look at them.
///
/// A session that is not stored here is valid all the same: whether it is, says
/// [`UserStore::session_user`](super::UserStore::session_user).
#[async_trait]
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// The sessions of a user that are valid at `now`, newest first.
    async fn login_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<LoginSession>>;

    /// Stores when sessions were last used; what is later stored already stays.
    async fn touch_sessions(&self, used: &[(UserId, String, Timestamp)]) -> Result<()>;
}
