use jiff::Timestamp;

use super::{Action, CallerFacts, Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, Credential, NewAuditEntry},
};

/// The end of a session, by its user.
#[derive(Clone, Debug)]
pub struct LogOut {
    /// The user, who ends the session of this request.
    pub actor: Actor,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl LogOut {
    /// Revokes the session.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`];
    /// [`Error::InvalidRequest`] where the actor does not act with a session of this registry.
    pub fn decide(&self, caller: &CallerFacts) -> Result<Decision<'_, ()>> {
        caller.require_self(&self.actor, self.now, Action::LogOut)?;
        let (session, expires_at) = match &self.actor.credential {
            Credential::Session { id, expires_at, .. } => (id.clone(), *expires_at),
            Credential::Token(id) => {
                return Err(Error::invalid_request(format!(
                    "Only a login session can be ended so; to end this API token, revoke it by its id, {id}"
                )));
            }
            Credential::Host => {
                return Err(Error::invalid_request(
                    "This login is one of the application that the registry is part of; log out there",
                ));
            }
            Credential::Publisher { .. } | Credential::Operator => {
                return Err(Error::invalid_request("Only a login session can be ended"));
            }
        };
        let changes = Changes {
            writes: vec![Write::RevokeSession { user: self.actor.user, session, expires_at }],
            audit: vec![self.audit.clone()],
            invalidates: None,
        };
        Ok(Decision { answer: (), changes })
    }
}
