use jiff::Timestamp;

use super::{Action, CallerFacts, Changes, Decision, Rights, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, Change, NewAuditEntry, ScopeName, ScopeRole},
};

/// What a scope shall demand of those who change something in it.
#[derive(Clone, Debug)]
pub struct ScopePolicyChange {
    /// Who sets it.
    pub actor: Actor,
    /// The scope.
    pub scope: ScopeName,
    /// Whether they need a second factor.
    pub require_2fa: bool,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What a [`ScopePolicyChange`] is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopePolicyFacts {
    /// Who acts.
    pub caller: CallerFacts,
    /// Whether the scope demands a second factor; `None` if there is no such scope.
    pub requires_2fa: Option<bool>,
    /// The actor's role in it.
    pub role: Option<ScopeRole>,
}

impl ScopePolicyChange {
    /// The cache entries that this invalidates.
    pub fn invalidates(&self) -> Change {
        Change::Scope(self.scope.clone())
    }

    /// Sets it. Nothing happens where it is so already.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ScopeNotFound`], [`Error::Forbidden`], in this order;
    /// [`Error::TwoFactorRequired`] for an actor without a second factor, who would be shut out by the demand, or is.
    pub fn decide(&self, facts: &ScopePolicyFacts) -> Result<Decision<'static, ()>> {
        let caller = facts.caller.require_live(&self.actor, self.now)?;
        let requires_2fa = facts.requires_2fa.ok_or_else(|| Error::ScopeNotFound(self.scope.clone()))?;
        let lacks_second_factor = (requires_2fa || self.require_2fa) && facts.caller.lacks_second_factor(&self.actor);
        Rights { scope_role: facts.role, lacks_second_factor, ..caller }
            .require_in_scope(Action::SetScopePolicy, &self.scope)
            .map_err(|error| self.explained(error, requires_2fa))?;
        if requires_2fa == self.require_2fa {
            return Ok(Decision::unchanged(()));
        }
        let changes = Changes {
            writes: vec![Write::SetScopePolicy { scope: self.scope.clone(), require_2fa: self.require_2fa }],
            audit: vec![self.audit.clone()],
            invalidates: Some(self.invalidates()),
        };
        Ok(Decision { answer: (), changes })
    }

    fn explained(&self, error: Error, requires_2fa: bool) -> Error {
        match error {
            Error::TwoFactorRequired(_) if !requires_2fa => Error::TwoFactorRequired(format!(
                "You have no second factor, so this would shut you out of @{}; enroll one first: `aam otp enrol`",
                self.scope
            )),
            error => error,
        }
    }
}
