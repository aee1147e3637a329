use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    error::Result,
    types::{Scope, ScopeName, ScopeRole, Sight, UserId},
};

/// Stores scopes and their members.
#[async_trait]
pub trait ScopeStore: Debug + Send + Sync + 'static {
    /// The scope with its members, and the collaborators of packages that are public or in `sight`.
    async fn scope(&self, name: &ScopeName, sight: &Sight) -> Result<Option<Scope>>;

    /// The first `limit` of the scopes a user is a member of, with the role, by name.
    async fn scopes_of(&self, user: UserId, limit: usize) -> Result<Vec<(ScopeName, ScopeRole)>>;
}
