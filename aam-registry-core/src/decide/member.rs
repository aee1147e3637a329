use jiff::Timestamp;

use super::{Action, CallerFacts, Changes, Decision, Rights, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, Change, NewAuditEntry, ScopeName, ScopeRole, UserId, Username},
};

/// A member of a scope to set or remove.
#[derive(Clone, Debug)]
pub struct MemberChange {
    /// Who changes it.
    pub actor: Actor,
    /// The scope.
    pub scope: ScopeName,
    /// The member.
    pub member: Username,
    /// The role to give; `None` to remove.
    pub role: Option<ScopeRole>,
    /// How many members a scope may have.
    pub max_members: u64,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What a change of a member is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberFacts {
    /// Who acts.
    pub caller: CallerFacts,
    /// Whether the scope exists.
    pub scope_exists: bool,
    /// Whether it demands a second factor of those who change something in it.
    pub scope_requires_2fa: bool,
    /// The actor's role in it.
    pub role: Option<ScopeRole>,
    /// The user who is to become or cease to be a member, where there is one.
    pub member: Option<MemberState>,
    /// How many owners the scope has beside the member, without those whose account is disabled.
    pub other_owners: u64,
    /// How many members the scope has, in whichever role.
    pub member_count: u64,
}

/// What a user is to a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberState {
    /// The user.
    pub user: UserId,
    /// The user's role in the scope.
    pub role: Option<ScopeRole>,
}

impl MemberChange {
    /// The action that it is: whoever removes the own membership leaves.
    pub fn action(&self) -> Action {
        let leaves = self.role.is_none() && self.member == self.actor.username;
        if leaves { Action::LeaveScope } else { Action::ChangeMembers }
    }

    /// The cache entries that this invalidates.
    pub fn invalidates(&self) -> Change {
        Change::Scope(self.scope.clone())
    }

    /// Gives the member the role, or removes the member. Nothing happens where
    /// it is so already.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::ScopeNotFound`],
    /// [`Error::Forbidden`], [`Error::TwoFactorRequired`], [`Error::UserNotFound`], in this order;
    /// [`Error::Forbidden`] where a user would no longer own the scope of the
    /// own name; [`Error::LastOwner`]; [`Error::QuotaExceeded`] where the scope
    /// has as many members as it may.
    pub fn decide(&self, facts: &MemberFacts) -> Result<Decision<'_, ()>> {
        let caller = facts.caller.require_live(&self.actor, self.now)?;
        let Self { scope, member, role, .. } = self;
        if !facts.scope_exists {
            return Err(Error::ScopeNotFound(scope.clone()));
        }
        let lacks_second_factor = facts.scope_requires_2fa && facts.caller.lacks_second_factor(&self.actor);
        Rights { scope_role: facts.role, lacks_second_factor, ..caller }.require_in_scope(self.action(), scope)?;
        let found = facts.member.ok_or_else(|| Error::UserNotFound(member.clone()))?;
        self.require_keeps_own_scope()?;
        if found.role == *role {
            return Ok(Decision::unchanged(()));
        }
        if found.role == Some(ScopeRole::Owner) && facts.other_owners == 0 {
            return Err(Error::LastOwner(member.clone()));
        }
        if found.role.is_none() && facts.member_count >= self.max_members {
            return Err(Error::QuotaExceeded(format!(
                "This registry allows {} members of a scope (MAX_MEMBERS_PER_SCOPE), and @{scope} already has {}; remove \
                 one first",
                self.max_members, facts.member_count
            )));
        }
        let changes = Changes {
            writes: vec![Write::SetMember { scope: scope.clone(), user: found.user, role: *role }],
            audit: vec![self.audit.clone()],
            invalidates: Some(self.invalidates()),
        };
        Ok(Decision { answer: (), changes })
    }

    /// Requires that no user ceases to own the scope of the own name, whomever
    /// else it was shared with.
    fn require_keeps_own_scope(&self) -> Result<()> {
        let Self { scope, member, role, .. } = self;
        if scope.as_str() != member.as_str() || *role == Some(ScopeRole::Owner) {
            return Ok(());
        }
        Err(Error::forbidden(format!("@{scope} is the scope of the user {member}, who always owns it")))
    }
}
