use super::{Action, CallerFacts, Changes, Decision, Write, quota::require_room_for_token};
use crate::{
    error::{Error, Result},
    types::{Actor, NewAuditEntry, Sha256Digest, Token, TokenScopes},
};

/// An API token to make.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Who makes it, for the own account.
    pub actor: Actor,
    /// What the actor's credential may be used for.
    pub scopes: TokenScopes,
    /// The token.
    pub token: Token,
    /// The digest of its secret.
    pub secret: Sha256Digest,
    /// How many tokens in force an account may have; `None` for any number.
    pub max_tokens: Option<u64>,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What the making of a token is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTokenFacts {
    /// Who acts.
    pub caller: CallerFacts,
    /// How many tokens of the actor are in force.
    pub live_tokens: u64,
}

impl NewToken {
    /// Makes a token of the actor's, which can do nothing that the actor's
    /// credential cannot, and not for longer where that is a token.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`], [`Error::QuotaExceeded`].
    pub fn decide(&self, facts: &NewTokenFacts) -> Result<Decision<'_, ()>> {
        let (wanted, caller) = (&self.token, &facts.caller);
        caller.require_self(&self.actor, self.audit.timestamp, Action::CreateToken)?;
        if let Some(scope) = wanted.scopes.iter().find(|scope| !self.scopes.contains(*scope)) {
            return Err(Error::forbidden(format!(
                "This token lacks the scope `{}` and cannot give it to another; log in to do so",
                scope.as_str()
            )));
        }
        let end = caller.token.and_then(|token| token.expires_at);
        if end.is_some_and(|end| wanted.expires_at.is_none_or(|wanted| wanted > end)) {
            return Err(Error::forbidden(
                "This token expires and cannot make one that lasts longer; give `expires_at` or log in",
            ));
        }
        require_room_for_token(facts.live_tokens, self.max_tokens)?;
        let token = Token { user: self.actor.user, ..wanted.clone() };
        let changes = Changes {
            writes: vec![Write::CreateToken { token, secret: self.secret }],
            audit: vec![self.audit.clone()],
            invalidates: None,
        };
        Ok(Decision { answer: (), changes })
    }
}
