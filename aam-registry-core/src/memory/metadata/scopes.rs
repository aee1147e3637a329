use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    MemoryMetadata,
    tables::{StoredScope, Tables},
};
use crate::{
    error::{Error, Result},
    ports::{MemberChange, ScopeStore},
    types::{Actor, Collaborator, NewAuditEntry, Scope, ScopeMember, ScopeName, ScopeRole, UserId},
};

#[async_trait]
impl ScopeStore for MemoryMetadata {
    async fn create_scope(&self, actor: &Actor, name: &ScopeName, now: Timestamp, audit: &NewAuditEntry) -> Result<()> {
        let mut tables = self.tables();
        tables.require_live(actor, now)?;
        // Every user has the scope of its name, so the scopes alone tell what is taken.
        if tables.scopes.contains_key(name) {
            return Err(Error::ScopeExists(name.clone()));
        }
        let members = [(actor.user, ScopeRole::Owner)].into();
        tables.scopes.insert(name.clone(), StoredScope { created_at: now, members });
        tables.append(audit);
        Ok(())
    }

    async fn scope(&self, name: &ScopeName) -> Result<Option<Scope>> {
        let tables = self.tables();
        Ok(tables.scopes.get(name).map(|scope| {
            let mut members: Vec<_> = scope
                .members
                .iter()
                .filter_map(|(user, role)| Some(ScopeMember { username: tables.username(*user)?.clone(), role: *role }))
                .collect();
            members.sort_by(|a, b| a.username.cmp(&b.username));
            let in_scope = tables.packages.iter().filter(|(package, _)| package.scope().as_ref() == Some(name));
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

    async fn set_member(&self, change: &MemberChange) -> Result<()> {
        let role = change.role.ok_or_else(|| Error::invalid_request("Say which role the member shall have"))?;
        self.tables().change_member(change, Some(role))
    }

    async fn remove_member(&self, change: &MemberChange) -> Result<()> {
        self.tables().change_member(change, None)
    }
}

impl Tables {
    fn change_member(&mut self, change: &MemberChange, role: Option<ScopeRole>) -> Result<()> {
        let actor = self.require_live(&change.actor, change.now)?;
        let scope = self.scopes.get(&change.scope).ok_or_else(|| Error::ScopeNotFound(change.scope.clone()))?;
        let leaves = role.is_none() && actor.username == change.member;
        let owns = scope.members.get(&actor.id) == Some(&ScopeRole::Owner);
        if !(owns || leaves || actor.is_admin && change.actor.as_admin) {
            return Err(Error::forbidden(format!("Only owners of the scope @{} may change its members", change.scope)));
        }
        let member = self.user_named(&change.member).ok_or_else(|| Error::UserNotFound(change.member.clone()))?.id;
        change.require_keeps_own_scope()?;
        if scope.members.get(&member).copied() == role {
            return Ok(());
        }
        if role != Some(ScopeRole::Owner) && scope.has_only_owner(member) {
            return Err(Error::LastOwner(change.member.clone()));
        }
        if let Some(scope) = self.scopes.get_mut(&change.scope) {
            match role {
                Some(role) => scope.members.insert(member, role),
                None => scope.members.remove(&member),
            };
        }
        self.append(&change.audit);
        Ok(())
    }
}
