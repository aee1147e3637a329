use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    decide::{BeginSession, EndSession},
    error::Result,
    types::{LoginSession, UserId},
};

/// Stores login sessions, so that their users can look at them and end them.
///
/// A session that is not stored here is valid all the same: whether it is, says
/// [`UserStore::session_user`](super::UserStore::session_user).
#[async_trait]
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// Records a session that begins, with its audit entry; returns whether its user has logged in
    /// before, but never from this [place](crate::types::LoginClient::place).
    ///
    /// # Errors
    /// The refusals of [`BeginSession::decide`].
    async fn begin_session(&self, begin: &BeginSession) -> Result<bool>;

    /// The sessions of a user that are valid at `now`, newest first.
    async fn login_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<LoginSession>>;

    /// Ends a session of the actor. From the commit on it is refused.
    ///
    /// # Errors
    /// The refusals of [`EndSession::decide`].
    async fn end_session(&self, end: &EndSession) -> Result<()>;

    /// Stores when sessions were last used; what is later stored already stays.
    async fn touch_sessions(&self, used: &[(UserId, String, Timestamp)]) -> Result<()>;
}
