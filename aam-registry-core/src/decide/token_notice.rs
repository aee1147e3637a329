//! What the users of API tokens are told by mail.

use super::{Changes, Decision, Write};
use crate::{
    error::Result,
    types::{NewAuditEntry, TokenId, TokenNotice},
};

/// A notice to the user of a token, who gets it once.
#[derive(Clone, Debug)]
pub struct TellOfToken {
    /// The token.
    pub token: TokenId,
    /// What is told.
    pub notice: TokenNotice,
    /// The entry for the audit log, from which the mail follows.
    pub audit: NewAuditEntry,
}

/// What a notice is decided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TellOfTokenFacts {
    /// Whether the token is not revoked and its user was not told before.
    pub is_due: bool,
}

impl TellOfToken {
    /// Notes that the user is told. Gives whether that is so now and was not before.
    ///
    /// # Errors
    /// None.
    pub fn decide(&self, facts: &TellOfTokenFacts) -> Result<Decision<'_, bool>> {
        if !facts.is_due {
            return Ok(Decision::unchanged(false));
        }
        let writes = vec![Write::NoteTokenNotice { token: self.token, notice: self.notice }];
        let changes = Changes { writes, audit: vec![self.audit.clone()], invalidates: None };
        Ok(Decision { answer: true, changes })
    }
}
