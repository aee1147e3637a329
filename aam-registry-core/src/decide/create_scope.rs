use jiff::Timestamp;

use super::{Action, CallerFacts, Changes, Decision, Write, quota::require_room_for_scope};
use crate::{
    error::{Error, Result},
    types::{AccountRole, Actor, Change, NewAuditEntry, ScopeName, UserId},
};

/// A scope to make.
#[derive(Clone, Debug)]
pub struct NewScope {
    /// Who makes it, and owns it then.
    pub actor: Actor,
    /// Its name.
    pub name: ScopeName,
    /// How many scopes an account may make beside the one of its name; `None` for any number.
    pub max_scopes: Option<u64>,
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
    /// How many scopes the actor has made, without the one of the own name.
    pub made: u64,
}

impl NewScope {
    /// Makes a scope. Scopes and usernames are one namespace. Administrators, who make scopes for others, may make any
    /// number of them. A scope counts for whoever made it, even after others own it: so nobody can use up what somebody
    /// else may make, and handing scopes on gives no more of them.
    ///
    /// # Errors
    /// [`Error::Unauthorized`]; [`Error::Forbidden`]; [`Error::ScopeExists`] where a scope or
    /// another user has the name; [`Error::QuotaExceeded`].
    pub fn decide(&self, facts: &NewScopeFacts) -> Result<Decision<'_, ()>> {
        facts.caller.require_self(&self.actor, self.now, Action::CreateScope)?;
        if facts.scope_exists || facts.user.is_some_and(|user| user != self.actor.user) {
            return Err(Error::ScopeExists(self.name.clone()));
        }
        let is_admin = facts.caller.acting_roles(&self.actor).contains(AccountRole::Admin);
        require_room_for_scope(&self.name, facts.made, self.max_scopes.filter(|_| !is_admin))?;
        let changes = Changes {
            writes: vec![Write::CreateScope { name: self.name.clone(), owner: self.actor.user, created_at: self.now }],
            audit: vec![self.audit.clone()],
            invalidates: Some(Change::Scope(self.name.clone())),
        };
        Ok(Decision { answer: (), changes })
    }
}
