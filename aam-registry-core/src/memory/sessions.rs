use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;

use crate::{
    error::Result,
    ports::{Session, SessionSigner},
};

/// Gives out random bearer tokens and remembers their sessions for as long as
/// the process lives.
#[derive(Default)]
pub struct MemorySessions {
    sessions: Mutex<HashMap<String, Session>>,
}

impl MemorySessions {
    /// No session yet.
    pub fn new() -> Self {
        Self::default()
    }
}

// Whoever reads a token may use it.
impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessions").finish_non_exhaustive()
    }
}

impl SessionSigner for MemorySessions {
    fn sign(&self, session: &Session) -> Result<String> {
        let token = BASE64URL_NOPAD.encode(&rand::random::<[u8; 32]>());
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(token.clone(), session.clone());
        Ok(token)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Option<Session> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(token).filter(|session| now < session.expires_at).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::session_signer_conformance!(async { (MemorySessions::new(), ()) });
}
