use async_trait::async_trait;

use super::{MemoryMetadata, tables::StoredScope};
use crate::{
    decide::{MemberChange, NewScope, NewScopeFacts},
    error::Result,
    ports::ScopeStore,
    types::{Collaborator, Scope, ScopeMember, ScopeName, ScopeRole, Sight, UserId},
};

#[async_trait]
impl ScopeStore for MemoryMetadata {
    async fn create_scope(&self, new: &NewScope) -> Result<()> {
        let mut tables = self.tables();
        let facts = NewScopeFacts {
            caller: tables.caller(&new.actor),
            scope_exists: tables.scopes.contains_key(&new.name),
            user: tables
                .users
                .values()
                .find(|one| one.user.username.as_str() == new.name.as_str())
                .map(|one| one.user.id),
        };
        tables.apply(new.decide(&facts)?, self.clock.now())
    }

    async fn scope(&self, name: &ScopeName, sight: &Sight) -> Result<Option<Scope>> {
        let tables = self.tables();
        Ok(tables.scopes.get(name).map(|scope| {
            let mut members: Vec<_> = scope
                .members
                .iter()
                .filter_map(|(user, role)| Some(ScopeMember { username: tables.username(*user)?.clone(), role: *role }))
                .collect();
            members.sort_by(|a, b| a.username.cmp(&b.username));
            let in_scope = tables.packages.iter().filter(|(package, stored)| {
                package.scope().as_ref() == Some(name) && (!stored.visibility.is_private() || sight.sees(package))
            });
            let mut collaborators: Vec<_> = in_scope
                .flat_map(|(package, stored)| {
                    let named = |user: &UserId| {
                        Some(Collaborator { username: tables.username(*user)?.clone(), package: package.clone() })
                    };
                    stored.owners.iter().filter_map(named)
                })
                .collect();
            collaborators.sort_by(|a, b| (&a.package, &a.username).cmp(&(&b.package, &b.username)));
            let has_more_collaborators = collaborators.len() > Scope::MAX_COLLABORATORS;
            collaborators.truncate(Scope::MAX_COLLABORATORS);
            Scope { name: name.clone(), created_at: scope.created_at, members, collaborators, has_more_collaborators }
        }))
    }

    async fn scopes_of(&self, user: UserId) -> Result<Vec<(ScopeName, ScopeRole)>> {
        let tables = self.tables();
        let role = |scope: &StoredScope| scope.members.get(&user).copied();
        Ok(tables.scopes.iter().filter_map(|(name, scope)| Some((name.clone(), role(scope)?))).collect())
    }

    async fn change_member(&self, change: &MemberChange) -> Result<()> {
        let mut tables = self.tables();
        let facts = tables.member_facts(change);
        tables.apply(change.decide(&facts)?, self.clock.now())
    }
}
