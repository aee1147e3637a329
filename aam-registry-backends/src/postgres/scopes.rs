use aam_registry_core::{
    Error, Result,
    ports::{Change, MemberChange, ScopeStore},
    types::{Action, Actor, Collaborator, NewAuditEntry, Scope, ScopeMember, ScopeName, ScopeRole, UserId},
};
use async_trait::async_trait;
use futures_util::try_join;
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    access::{self, ScopeAccess},
    admission::Rows,
    audit::Append,
    connection::Session,
    failure::Tx,
    sql,
};
use crate::relational::{columns, refusals};

const TAKEN: &str = "SELECT 1 FROM scopes WHERE name = $1
    UNION ALL SELECT 1 FROM users WHERE username = $1 AND id <> $2";
const CREATE: &str = "WITH scope AS (INSERT INTO scopes (name, created_at) VALUES ($1, $2))
    INSERT INTO scope_members (scope, user_id, role) VALUES ($1, $3, $4)";
const SCOPE: &str = "SELECT s.created_at, u.username, m.role
    FROM scopes s LEFT JOIN scope_members m ON m.scope = s.name LEFT JOIN users u ON u.id = m.user_id
    WHERE s.name = $1 ORDER BY u.username";
const COLLABORATORS: &str = "SELECT u.username, p.name FROM packages p
    JOIN package_owners o ON o.package_id = p.id JOIN users u ON u.id = o.user_id
    WHERE p.scope = $1 ORDER BY p.name, u.username LIMIT $2";
const SCOPES_OF: &str = "SELECT scope, role FROM scope_members WHERE user_id = $1 ORDER BY scope";
/// A user and what it is to a scope, and how many owners the scope has.
const MEMBER: &str = "SELECT u.id, (SELECT m.role FROM scope_members m WHERE m.scope = $2 AND m.user_id = u.id),
        (SELECT count(*) FROM scope_members m WHERE m.scope = $2 AND m.role = $3)
    FROM users u WHERE u.username = $1";
const PUT_MEMBER: &str = "INSERT INTO scope_members (scope, user_id, role) VALUES ($1, $2, $3)
    ON CONFLICT (scope, user_id) DO UPDATE SET role = excluded.role";
const DROP_MEMBER: &str = "DELETE FROM scope_members WHERE scope = $1 AND user_id = $2";

#[async_trait]
impl ScopeStore for PostgresMetadata {
    async fn create_scope(&self, actor: &Actor, name: &ScopeName, now: Timestamp, audit: &NewAuditEntry) -> Result<()> {
        let rows = Rows::of(actor).and_scope(name);
        self.change(rows, |tx| async move { create(&tx, actor, name, now, audit).await }).await
    }

    async fn scope(&self, name: &ScopeName) -> Result<Option<Scope>> {
        self.snapshot(|tx| async move { scope(&tx, name).await }).await
    }

    async fn scopes_of(&self, user: UserId) -> Result<Vec<(ScopeName, ScopeRole)>> {
        self.read(|tx| async move {
            sql::all(&tx, SCOPES_OF, [&Uuid::from(user)], |row| {
                Ok((sql::parsed(row, 0)?, sql::coded(row, 1, columns::role)?))
            })
            .await
        })
        .await
    }

    async fn set_member(&self, change: &MemberChange) -> Result<()> {
        let rows = Rows::of(&change.actor).and_scope(&change.scope);
        self.change(rows, |tx| async move { set_role(&tx, change).await }).await
    }

    async fn remove_member(&self, change: &MemberChange) -> Result<()> {
        let change = &MemberChange { role: None, ..change.clone() };
        let rows = Rows::of(&change.actor).and_scope(&change.scope);
        self.change(rows, |tx| async move { set_role(&tx, change).await }).await
    }
}

async fn create(tx: &Session, actor: &Actor, name: &ScopeName, now: Timestamp, audit: &NewAuditEntry) -> Tx<()> {
    let append = Append::prepare(tx).await?;
    let [create] = tx.prepare([CREATE]).await?;
    let caller = access::require_live(tx, actor, now).await?;
    if sql::exists(tx, TAKEN, [&name.as_str(), &caller.user]).await? {
        return Err(Error::ScopeExists(name.clone()).into());
    }
    let told = Change::Scope(name.clone());
    let (name, created_at, owner) = (name.as_str(), now.as_microsecond(), ScopeRole::Owner.as_str());
    try_join!(tx.execute(&create, [&name, &created_at, &caller.user, &owner]), append.run(tx, audit, Some(told)),)?;
    Ok(())
}

async fn scope(tx: &Session, name: &ScopeName) -> Tx<Option<Scope>> {
    let [query, collaborators] = tx.prepare([SCOPE, COLLABORATORS]).await?;
    let (name_text, more) = (name.as_str(), columns::limit(Scope::MAX_COLLABORATORS + 1));
    let (rows, owners) = try_join!(tx.rows(&query, [&name_text]), tx.rows(&collaborators, [&name_text, &more]))?;
    let Some(first) = rows.first() else { return Ok(None) };
    let created_at = sql::instant(first, 0)?;
    let has_more_collaborators = owners.len() > Scope::MAX_COLLABORATORS;
    // A scope without members is one row of nobody.
    let members = rows.iter().filter(|row| row.try_get::<_, Option<&str>>(1).is_ok_and(|user| user.is_some()));
    let members =
        members.map(|row| Ok(ScopeMember { username: sql::parsed(row, 1)?, role: sql::coded(row, 2, columns::role)? }));
    let owners = owners.iter().take(Scope::MAX_COLLABORATORS);
    let owners = owners.map(|row| Ok(Collaborator { username: sql::parsed(row, 0)?, package: sql::parsed(row, 1)? }));
    Ok(Some(Scope {
        name: name.clone(),
        created_at,
        members: members.collect::<Tx<_>>()?,
        collaborators: owners.collect::<Tx<_>>()?,
        has_more_collaborators,
    }))
}

async fn set_role(tx: &Session, change: &MemberChange) -> Tx<()> {
    let MemberChange { scope, member, role, .. } = change;
    let (name, username, owner) = (scope.as_str(), member.as_str(), ScopeRole::Owner.as_str());
    let access = ScopeAccess::prepare(tx).await?;
    let append = Append::prepare(tx).await?;
    let [member_of, put, drop] = tx.prepare([MEMBER, PUT_MEMBER, DROP_MEMBER]).await?;
    let ((rights, exists), found) =
        try_join!(access.take(tx, &change.actor, scope, change.now), tx.rows(&member_of, [&username, &name, &owner]),)?;
    if !exists {
        return Err(Error::ScopeNotFound(scope.clone()).into());
    }
    let leaves = role.is_none() && *member == change.actor.username;
    if !leaves && !rights.permit(Action::Manage) {
        return Err(refusals::may_not_change_members(scope).into());
    }
    let Some(row) = found.first() else { return Err(Error::UserNotFound(member.clone()).into()) };
    change.require_keeps_own_scope()?;
    let (user, before, owners): (Uuid, Option<&str>, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let before = before.map(columns::role).transpose()?;
    if before == *role {
        return Ok(());
    }
    if before == Some(ScopeRole::Owner) && owners < 2 {
        return Err(Error::LastOwner(member.clone()).into());
    }
    let changed = async {
        match role {
            Some(role) => tx.execute(&put, [&name, &user, &role.as_str()]).await,
            None => tx.execute(&drop, [&name, &user]).await,
        }
    };
    try_join!(changed, append.run(tx, &change.audit, Some(Change::Scope(scope.clone()))))?;
    Ok(())
}
