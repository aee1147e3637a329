use jiff::Timestamp;

use super::{Action, CallerFacts, Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, Change, NewAuditEntry, ScopeName, UserId},
};

/// A scope to make.
#[derive(Clone, Debug)]
pub struct NewScope {
    /// Who makes it, and owns it then.
    pub actor: Actor,
    /// Its name.
    pub name: ScopeName,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What the making of a scope is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewScopeFacts {
    /// Who acts.
    pub caller: CallerFacts,
    /// Whether there is a scope of that name.
    pub scope_exists: bool,
    /// The user of that name.
    pub user: Option<UserId>,
}

impl NewScope {
    /// Makes a scope. Scopes and usernames are one namespace.
    ///
    /// # Errors
    /// [`Error::Unauthorized`]; [`Error::Forbidden`]; [`Error::ScopeExists`] where a scope or
    /// another user has the name.
    pub fn decide(&self, facts: &NewScopeFacts) -> Result<Decision<'_, ()>> {
        facts.caller.require_self(&self.actor, self.now, Action::CreateScope)?;
        if facts.scope_exists || facts.user.is_some_and(|user| user != self.actor.user) {
            return Err(Error::ScopeExists(self.name.clone()));
        }
        let changes = Changes {
            writes: vec![Write::CreateScope { name: self.name.clone(), owner: self.actor.user, created_at: self.now }],
            audit: vec![self.audit.clone()],
            invalidates: Some(Change::Scope(self.name.clone())),
        };
        Ok(Decision { answer: (), changes })
    }
}
