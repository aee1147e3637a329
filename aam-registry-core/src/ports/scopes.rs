use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    error::{Error, Result},
    types::{Actor, NewAuditEntry, Scope, ScopeName, ScopeRole, UserId, Username},
};

/// Keeps scopes and their members.
#[async_trait]
pub trait ScopeStore: Debug + Send + Sync + 'static {
    /// Makes a scope that the actor owns.
    ///
    /// # Errors
    /// [`ScopeExists`](crate::Error::ScopeExists) where a scope or a user of that name exists.
    async fn create_scope(&self, actor: &Actor, name: &ScopeName, now: Timestamp, audit: &NewAuditEntry) -> Result<()>;

    /// The scope with its members.
    async fn scope(&self, name: &ScopeName) -> Result<Option<Scope>>;

    /// The scopes a user is a member of, with the role, by name.
    async fn scopes_of(&self, user: UserId) -> Result<Vec<(ScopeName, ScopeRole)>>;

    /// Adds or changes a member. Needs [`Action::Manage`](crate::types::Action) on the scope.
    ///
    /// # Errors
    /// [`ScopeNotFound`](crate::Error::ScopeNotFound), [`UserNotFound`](crate::Error::UserNotFound),
    /// [`LastOwner`](crate::Error::LastOwner) where the last owner would lose that role, and what
    /// [`require_keeps_own_scope`](MemberChange::require_keeps_own_scope) refuses.
    async fn set_member(&self, change: &MemberChange) -> Result<()>;

    /// Removes a member (`change.role` is `None`); nothing happens where the
    /// user is none. Needs [`Action::Manage`](crate::types::Action) on the scope;
    /// a member may always remove itself.
    ///
    /// # Errors
    /// As for [`set_member`](Self::set_member).
    async fn remove_member(&self, change: &MemberChange) -> Result<()>;
}

/// A member to set or remove.
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
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

impl MemberChange {
    /// Requires that no user ceases to own the scope of the own name, whomever
    /// else it was shared with. An adapter asks once it knows that the actor
    /// has the right to the change and that the member exists.
    ///
    /// # Errors
    /// [`Forbidden`](crate::Error::Forbidden).
    pub fn require_keeps_own_scope(&self) -> Result<()> {
        let Self { scope, member, role, .. } = self;
        if scope.as_str() != member.as_str() || *role == Some(ScopeRole::Owner) {
            return Ok(());
        }
        Err(Error::forbidden(format!("@{scope} is the scope of the user {member}, who always owns it")))
    }
}
