use std::fmt::Debug;

use jiff::Timestamp;

use crate::{error::Result, types::UserId};

/// Signs and reads the bearer tokens of login sessions.
///
/// [`verify`](Self::verify) returns the session that was signed. Logging out ends the session with that
/// [id](Session::id) for good, and every other one of the same user with the same id. A host whose
/// sessions the registry does not begin uses an [`Authenticator`](super::Authenticator) instead; the
/// registry cannot end those sessions.
pub trait SessionSigner: Debug + Send + Sync + 'static {
    /// The bearer token of a session.
    fn sign(&self, session: &Session) -> Result<String>;

    /// The session of a bearer token; `None` if the token is malformed, forged, or expired at `now`.
    fn verify(&self, token: &str, now: Timestamp) -> Option<Session>;
}

/// A login session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, the JWT's `jti`: different for each session, because a logout revokes it.
    pub id: String,
    /// The user.
    pub user: UserId,
    /// How often all sessions of the user had been ended when it began; 0 if the bearer token does not
    /// contain it.
    pub generation: u64,
    /// When it began, in whole seconds.
    pub issued_at: Timestamp,
    /// When it ends, in whole seconds.
    pub expires_at: Timestamp,
}
