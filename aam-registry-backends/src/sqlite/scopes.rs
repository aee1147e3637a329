use aam_registry_core::{
    Error, Result,
    ports::{MemberChange, ScopeStore},
    types::{Action, Actor, Collaborator, NewAuditEntry, Scope, ScopeMember, ScopeName, ScopeRole, UserId, Username},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

use super::{SqliteMetadata, access, audit, failure::Tx, sql, users};
use crate::relational::{columns, refusals};

#[async_trait]
impl ScopeStore for SqliteMetadata {
    async fn create_scope(&self, actor: &Actor, name: &ScopeName, now: Timestamp, audit: &NewAuditEntry) -> Result<()> {
        let (actor, name, entry) = (actor.clone(), name.clone(), audit.clone());
        self.write(move |tx| {
            let caller = access::require_live(tx, &actor, now)?;
            if !insert(tx, &name, &caller.user, now)? {
                return Err(Error::ScopeExists(name).into());
            }
            audit::append(tx, &entry)
        })
        .await
    }

    async fn scope(&self, name: &ScopeName) -> Result<Option<Scope>> {
        let name = name.clone();
        self.read(move |tx| scope(tx, &name)).await
    }

    async fn scopes_of(&self, user: UserId) -> Result<Vec<(ScopeName, ScopeRole)>> {
        let query = "SELECT scope, role FROM scope_members WHERE user_id = ?1 ORDER BY scope";
        self.read(move |tx| {
            sql::all(tx, query, [user.to_string()], |row| {
                Ok((sql::parsed(row, 0)?, sql::coded(row, 1, columns::role)?))
            })
        })
        .await
    }

    async fn set_member(&self, change: &MemberChange) -> Result<()> {
        let change = change.clone();
        self.write(move |tx| set_role(tx, &change)).await
    }

    async fn remove_member(&self, change: &MemberChange) -> Result<()> {
        let change = MemberChange { role: None, ..change.clone() };
        self.write(move |tx| set_role(tx, &change)).await
    }
}

/// Makes a scope with its first owner; `false` where a scope or user has the name.
pub(super) fn insert(tx: &Connection, name: &ScopeName, owner: &str, now: Timestamp) -> Tx<bool> {
    let taken = "SELECT 1 FROM scopes WHERE name = ?1 UNION ALL SELECT 1 FROM users WHERE username = ?1 AND id <> ?2";
    if sql::exists(tx, taken, (name.as_str(), owner))? {
        return Ok(false);
    }
    sql::run(tx, "INSERT INTO scopes (name, created_at) VALUES (?1, ?2)", (name.as_str(), now.as_microsecond()))?;
    put_member(tx, name, owner, ScopeRole::Owner)?;
    Ok(true)
}

/// Whether a scope exists.
pub(super) fn exists(tx: &Connection, name: &ScopeName) -> Tx<bool> {
    sql::exists(tx, "SELECT 1 FROM scopes WHERE name = ?1", [name.as_str()])
}

fn scope(tx: &Connection, name: &ScopeName) -> Tx<Option<Scope>> {
    let created_at = "SELECT created_at FROM scopes WHERE name = ?1";
    let Some(created_at) = sql::first(tx, created_at, [name.as_str()], |row| sql::instant(row, 0))? else {
        return Ok(None);
    };
    let members = "SELECT u.username, m.role FROM scope_members m JOIN users u ON u.id = m.user_id
                   WHERE m.scope = ?1 ORDER BY u.username";
    let members = sql::all(tx, members, [name.as_str()], |row| {
        Ok(ScopeMember { username: sql::parsed(row, 0)?, role: sql::coded(row, 1, columns::role)? })
    })?;
    let owners = "SELECT u.username, p.name FROM packages p JOIN package_owners o ON o.package_id = p.id
                  JOIN users u ON u.id = o.user_id WHERE p.scope = ?1 ORDER BY p.name, u.username LIMIT ?2";
    let more = columns::limit(Scope::MAX_COLLABORATORS + 1);
    let mut collaborators: Vec<_> = sql::all(tx, owners, (name.as_str(), more), |row| {
        Ok(Collaborator { username: sql::parsed(row, 0)?, package: sql::parsed(row, 1)? })
    })?;
    let has_more_collaborators = collaborators.len() > Scope::MAX_COLLABORATORS;
    collaborators.truncate(Scope::MAX_COLLABORATORS);
    Ok(Some(Scope { name: name.clone(), created_at, members, collaborators, has_more_collaborators }))
}

fn set_role(tx: &Connection, change: &MemberChange) -> Tx<()> {
    let MemberChange { scope, member, role, .. } = change;
    let caller = access::require_live(tx, &change.actor, change.now)?;
    if !exists(tx, scope)? {
        return Err(Error::ScopeNotFound(scope.clone()).into());
    }
    let leaves = role.is_none() && *member == change.actor.username;
    if !leaves && !caller.scope_rights(tx, scope)?.permit(Action::Manage) {
        return Err(refusals::may_not_change_members(scope).into());
    }
    let user = users::require_id(tx, member)?;
    change.require_keeps_own_scope()?;
    let before = access::role(tx, scope.as_str(), &user)?;
    if before == *role {
        return Ok(());
    }
    if before == Some(ScopeRole::Owner) {
        require_another_owner(tx, scope, member)?;
    }
    if let Some(role) = role {
        put_member(tx, scope, &user, *role)?;
    } else {
        let delete = "DELETE FROM scope_members WHERE scope = ?1 AND user_id = ?2";
        sql::run(tx, delete, (scope.as_str(), &user))?;
    }
    audit::append(tx, &change.audit)
}

fn require_another_owner(tx: &Connection, scope: &ScopeName, owner: &Username) -> Tx<()> {
    let query = "SELECT count(*) FROM scope_members WHERE scope = ?1 AND role = ?2";
    let owners: Option<i64> = sql::first(tx, query, (scope.as_str(), ScopeRole::Owner.as_str()), sql::value)?;
    if owners.unwrap_or(0) > 1 { Ok(()) } else { Err(Error::LastOwner(owner.clone()).into()) }
}

fn put_member(tx: &Connection, scope: &ScopeName, user: &str, role: ScopeRole) -> Tx<()> {
    sql::run(
        tx,
        "INSERT INTO scope_members (scope, user_id, role) VALUES (?1, ?2, ?3)
         ON CONFLICT (scope, user_id) DO UPDATE SET role = excluded.role",
        (scope.as_str(), user, role.as_str()),
    )?;
    Ok(())
}
