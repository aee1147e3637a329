use std::fmt::Debug;

use jiff::Timestamp;

use crate::{error::Result, types::UserId};

/// Signs and reads the bearer tokens of login sessions.
///
/// What [`verify`](Self::verify) gives is what was signed: logging out ends the
/// session of that [id](Session::id) for good, and with it every other one of
/// the same user that is read back with the same id. A host whose sessions the
/// registry does not begin uses an [`Authenticator`](super::Authenticator)
/// instead, whose sessions the registry cannot end.
pub trait SessionSigner: Debug + Send + Sync + 'static {
    /// The bearer token of a session.
    fn sign(&self, session: &Session) -> Result<String>;

    /// The session of a bearer token; `None` where it is malformed, forged, or
    /// expired at `now`.
    fn verify(&self, token: &str, now: Timestamp) -> Option<Session>;
}

/// A login session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, the JWT's `jti`: another one for each session, since it is what a
    /// logout revokes.
    pub id: String,
    /// Whose it is.
    pub user: UserId,
    /// How often all sessions of the user had been ended when it began; 0
    /// where a bearer token does not say.
    pub generation: u64,
    /// When it began, in whole seconds.
    pub issued_at: Timestamp,
    /// When it ends, in whole seconds.
    pub expires_at: Timestamp,
}
