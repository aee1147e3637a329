use super::{Action, CallerFacts, Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, Credential, NewAuditEntry, TokenId, UserId},
};

/// An API token to revoke, by its user.
#[derive(Clone, Debug)]
pub struct RevokeToken {
    /// Who revokes it.
    pub actor: Actor,
    /// Which.
    pub token: TokenId,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What the revocation of a token is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevokeTokenFacts {
    /// Who acts.
    pub caller: CallerFacts,
    /// The user of the token, if it exists and was not revoked.
    pub owner: Option<UserId>,
}

impl RevokeToken {
    /// The action that it is: a token may always revoke itself.
    pub fn action(&self) -> Action {
        let is_used = self.actor.credential == Credential::Token(self.token);
        if is_used { Action::RevokeUsedToken } else { Action::RevokeToken }
    }

    /// Revokes a token of the actor's.
    ///
    /// # Errors
    /// [`Error::Unauthorized`]; [`Error::Forbidden`]; [`Error::TokenNotFound`] where the actor has
    /// none of that id.
    pub fn decide(&self, facts: &RevokeTokenFacts) -> Result<Decision<'_, ()>> {
        let at = self.audit.timestamp;
        facts.caller.require_self(&self.actor, at, self.action())?;
        if facts.owner != Some(self.actor.user) {
            return Err(Error::TokenNotFound(self.token));
        }
        let changes = Changes {
            writes: vec![Write::RevokeTokens { tokens: vec![self.token], at }],
            audit: vec![self.audit.clone()],
            invalidates: None,
        };
        Ok(Decision { answer: (), changes })
    }
}
