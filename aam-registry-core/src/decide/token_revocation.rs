use jiff::Timestamp;

use super::{Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{NewAuditEntry, TokenId, Username},
};

/// Tokens to revoke, by the operator.
#[derive(Clone, Debug)]
pub struct TokenRevocation {
    /// Which.
    pub tokens: RevokedTokens,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log; the decision adds how many were revoked as `count`.
    pub audit: NewAuditEntry,
}

/// Which tokens to revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevokedTokens {
    /// The one of that id.
    Id(TokenId),
    /// All of a user.
    Of(Username),
    /// All there are.
    All,
}

/// What a revocation of tokens by the operator is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRevocationFacts {
    /// Whether there ever was a token of that id, or is a user of that name.
    pub exists: bool,
    /// The valid ones among the tokens.
    pub live: Vec<TokenId>,
}

impl TokenRevocation {
    /// Revokes the tokens that are alive; tells how many. Where that is none,
    /// nothing is recorded.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`], [`Error::UserNotFound`].
    pub fn decide(&self, facts: &TokenRevocationFacts) -> Result<Decision<'_, u64>> {
        match &self.tokens {
            RevokedTokens::Id(id) if !facts.exists => return Err(Error::TokenNotFound(*id)),
            RevokedTokens::Of(user) if !facts.exists => return Err(Error::UserNotFound(user.clone())),
            _ => {}
        }
        let count = facts.live.len() as u64;
        if count == 0 {
            return Ok(Decision::unchanged(0));
        }
        let changes = Changes {
            writes: vec![Write::RevokeTokens { tokens: facts.live.clone(), at: self.now }],
            audit: vec![self.audit.clone().with("count", count)],
            invalidates: None,
        };
        Ok(Decision { answer: count, changes })
    }
}
