use jiff::Timestamp;

use super::{Changes, Decision, Write};
use crate::{
    error::Result,
    types::{NewAuditEntry, PublisherTokenId},
};

/// A token of a trusted publisher to revoke, since it was found where others can read it.
#[derive(Clone, Debug)]
pub struct RevokePublisherToken {
    /// The token.
    pub token: PublisherTokenId,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What that is decided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevokePublisherTokenFacts {
    /// When the token stops working; `None` if there is none.
    pub expires_at: Option<Timestamp>,
}

impl RevokePublisherToken {
    /// Revokes the token if it is in force; tells whether it was. Whoever has it may ask, since having it proves that it
    /// leaked.
    ///
    /// # Errors
    /// None.
    pub fn decide(&self, facts: &RevokePublisherTokenFacts) -> Result<Decision<'_, bool>> {
        if facts.expires_at.is_none_or(|end| end <= self.now) {
            return Ok(Decision::unchanged(false));
        }
        let changes = Changes {
            writes: vec![Write::RevokePublisherToken(self.token)],
            audit: vec![self.audit.clone()],
            invalidates: None,
        };
        Ok(Decision { answer: true, changes })
    }
}
