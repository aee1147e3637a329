use async_trait::async_trait;

use super::{
    MemoryMetadata,
    tables::{StoredScope, Tables},
};
use crate::{
    decide::{NewScope, NewScopeFacts, ScopePolicyChange, ScopePolicyFacts},
    error::Result,
    ports::ScopeStore,
    types::{Collaborator, Scope, ScopeMember, ScopeName, ScopeRole, Sight, UserId},
};

#[async_trait]
impl ScopeStore for MemoryMetadata {
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
                package.scope().as_ref() == Some(name) && (stored.is_public() || sight.sees(package))
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
            Scope {
                name: name.clone(),
                created_at: scope.created_at,
                require_2fa: scope.require_2fa,
                members,
                collaborators,
                has_more_collaborators,
            }
        }))
    }

    async fn scopes_of(&self, user: UserId, limit: usize) -> Result<Vec<(ScopeName, ScopeRole)>> {
        let tables = self.tables();
        let role = |scope: &StoredScope| scope.members.get(&user).copied();
        Ok(tables.scopes.iter().filter_map(|(name, scope)| Some((name.clone(), role(scope)?))).take(limit).collect())
    }
}

impl Tables {
    pub(super) fn scope_policy_facts(&self, change: &ScopePolicyChange) -> ScopePolicyFacts {
        let scope = self.scopes.get(&change.scope);
        ScopePolicyFacts {
            caller: self.caller(&change.actor),
            requires_2fa: scope.map(|scope| scope.require_2fa),
            role: scope.and_then(|scope| scope.members.get(&change.actor.user).copied()),
        }
    }

    pub(super) fn new_scope_facts(&self, new: &NewScope) -> NewScopeFacts {
        let mut users = self.users.values().map(|account| &account.user);
        NewScopeFacts {
            caller: self.caller(&new.actor),
            scope_exists: self.scopes.contains_key(&new.name),
            user: users.find(|user| user.username.as_str() == new.name.as_str()).map(|user| user.id),
            made: self.scopes.values().filter(|scope| scope.created_by == Some(new.actor.user)).count() as u64,
        }
    }
}
