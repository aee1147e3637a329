use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    decide::{MemberChange, NewScope},
    error::Result,
    types::{Scope, ScopeName, ScopeRole, UserId},
};

/// Keeps scopes and their members.
#[async_trait]
pub trait ScopeStore: Debug + Send + Sync + 'static {
    /// Makes a scope.
    ///
    /// # Errors
    /// What [`NewScope::decide`] refuses.
    async fn create_scope(&self, new: &NewScope) -> Result<()>;

    /// The scope with its members.
    async fn scope(&self, name: &ScopeName) -> Result<Option<Scope>>;

    /// The scopes a user is a member of, with the role, by name.
    async fn scopes_of(&self, user: UserId) -> Result<Vec<(ScopeName, ScopeRole)>>;

    /// Sets or removes a member.
    ///
    /// # Errors
    /// What [`MemberChange::decide`] refuses.
    async fn change_member(&self, change: &MemberChange) -> Result<()>;
}
