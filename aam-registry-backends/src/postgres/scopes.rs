use aam_registry_core::{
    Result,
    decide::{MemberChange, MemberFacts, MemberState, NewScope, NewScopeFacts, ScopePolicyChange, ScopePolicyFacts},
    ports::ScopeStore,
    types::{Collaborator, Scope, ScopeMember, ScopeName, ScopeRole, Sight, UserId, Visibility},
};
use async_trait::async_trait;
use futures_util::try_join;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    connection::Session,
    facts::{CallerQueries, requires_2fa, role},
    failure::{Failure, Tx},
    sql,
};
use crate::relational::{
    columns,
    predicates::{account_is_enabled, has_open_version, package_is_in_reach},
    sight::{collaborators_in_sight, collaborators_to_read},
};

/// Whether there is a scope, which user has its name, and how many scopes a user has made.
const TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM scopes s WHERE s.name = $1),
    (SELECT u.id FROM users u WHERE u.username = $1), (SELECT count(*) FROM scopes s WHERE s.created_by = $2)";
const SCOPE: &str = "SELECT s.created_at, u.username, m.role, s.require_2fa
    FROM scopes s LEFT JOIN scope_members m ON m.scope = s.name LEFT JOIN users u ON u.id = m.user_id
    WHERE s.name = $1 ORDER BY u.username";
const COLLABORATORS: &str = concat!(
    "SELECT u.username, p.name, p.private OR NOT ",
    has_open_version!("p."),
    " FROM packages p JOIN package_owners o ON o.package_id = p.id JOIN users u ON u.id = o.user_id
    WHERE p.scope = $1 AND ",
    package_is_in_reach!("p.", "$3", "$3"),
    " ORDER BY p.name, u.username LIMIT $2"
);
const SCOPES_OF: &str = "SELECT scope, role FROM scope_members WHERE user_id = $1 ORDER BY scope LIMIT $2";
const TO_CHANGE: &str = "SELECT require_2fa FROM scopes WHERE name = $1 FOR NO KEY UPDATE";
/// The role of a user in a scope, and how many owners the scope has beside another, without disabled ones; and how
/// many members.
const ROLE: &str = concat!(
    "SELECT (SELECT m.role FROM scope_members m WHERE m.scope = $1 AND m.user_id = $2),
    (SELECT count(*) FROM scope_members m JOIN users u ON u.id = m.user_id
        WHERE m.scope = $1 AND m.role = $3 AND u.username <> $4 AND ",
    account_is_enabled!("u."),
    "), (SELECT count(*) FROM scope_members m WHERE m.scope = $1)"
);
const ROLE_ALONE: &str = "SELECT role FROM scope_members WHERE scope = $1 AND user_id = $2";
pub(super) const SET_POLICY: &str = "UPDATE scopes SET require_2fa = $2 WHERE name = $1";
/// A user and what it is to a scope.
const MEMBER: &str = "SELECT u.id, (SELECT m.role FROM scope_members m WHERE m.scope = $2 AND m.user_id = u.id)
    FROM users u WHERE u.username = $1";

#[async_trait]
impl ScopeStore for PostgresMetadata {
    async fn scope(&self, name: &ScopeName, sight: &Sight) -> Result<Option<Scope>> {
        self.snapshot(|tx| async move { scope(&tx, name, sight).await }).await
    }

    async fn scopes_of(&self, user: UserId, limit: usize) -> Result<Vec<(ScopeName, ScopeRole)>> {
        self.read(|tx| async move {
            sql::all(&tx, SCOPES_OF, [&Uuid::from(user), &columns::limit(limit)], |row| {
                Ok((sql::parsed(row, 0)?, sql::coded(row, 1, columns::role)?))
            })
            .await
        })
        .await
    }
}

pub(super) async fn new_scope_facts(tx: &Session, new: &NewScope) -> Tx<NewScopeFacts> {
    let queries = CallerQueries::prepare(tx).await?;
    let [taken] = tx.prepare([TAKEN]).await?;
    let (name, actor) = (new.name.as_str(), Uuid::from(new.actor.user));
    let ((), caller, rows) = try_join!(
        // What is counted after that stays so.
        queries.lock_user_alone(tx, &new.actor),
        queries.load(tx, &new.actor),
        tx.rows(&taken, [&name, &actor]),
    )?;
    let row = rows.first().ok_or_else(|| Failure::Corrupt("a query without a row".into()))?;
    let user: Option<Uuid> = row.try_get(1)?;
    Ok(NewScopeFacts {
        caller,
        scope_exists: row.try_get(0)?,
        user: user.map(UserId::from),
        made: sql::unsigned(row, 2)?,
    })
}

async fn scope(tx: &Session, name: &ScopeName, sight: &Sight) -> Tx<Option<Scope>> {
    let [query, collaborators] = tx.prepare([SCOPE, COLLABORATORS]).await?;
    let (name_text, private) = (name.as_str(), sight.reach().includes_private());
    let more = columns::limit(collaborators_to_read(name, sight));
    let (rows, owners) =
        try_join!(tx.rows(&query, [&name_text]), tx.rows(&collaborators, [&name_text, &more, &private]))?;
    let Some(first) = rows.first() else { return Ok(None) };
    let created_at = sql::instant(first, 0)?;
    // A scope without members is one row of nobody.
    let members = rows.iter().filter(|row| row.try_get::<_, Option<&str>>(1).is_ok_and(|user| user.is_some()));
    let members =
        members.map(|row| Ok(ScopeMember { username: sql::parsed(row, 1)?, role: sql::coded(row, 2, columns::role)? }));
    let owners = owners.iter().map(|row| {
        let collaborator = Collaborator { username: sql::parsed(row, 0)?, package: sql::parsed(row, 1)? };
        Ok((collaborator, Visibility::of(row.try_get(2)?)))
    });
    let (collaborators, has_more_collaborators) = collaborators_in_sight(owners.collect::<Tx<_>>()?, sight);
    Ok(Some(Scope {
        name: name.clone(),
        created_at,
        require_2fa: first.try_get(3)?,
        members: members.collect::<Tx<_>>()?,
        collaborators,
        has_more_collaborators,
    }))
}

/// Locks the actor and the scope. Sends all it asks at once.
pub(super) async fn member_facts(tx: &Session, change: &MemberChange) -> Tx<MemberFacts> {
    let queries = CallerQueries::prepare(tx).await?;
    let [lock, role_of, member_of] = tx.prepare([TO_CHANGE, ROLE, MEMBER]).await?;
    let (name, member, owner) = (change.scope.as_str(), change.member.as_str(), ScopeRole::Owner.as_str());
    let user = Uuid::from(change.actor.user);
    let (caller, locked, roles, members) = try_join!(
        queries.load(tx, &change.actor),
        tx.rows(&lock, [&name]),
        tx.rows(&role_of, [&name, &user, &owner, &member]),
        tx.rows(&member_of, [&member, &name]),
    )?;
    let row = roles.first().ok_or_else(|| Failure::Corrupt("a query without a row".into()))?;
    let member =
        members.first().map(|row| Ok::<_, Failure>(MemberState { user: sql::id(row, 0)?, role: role(row, 1)? }));
    Ok(MemberFacts {
        caller,
        scope_exists: !locked.is_empty(),
        scope_requires_2fa: requires_2fa(&locked)?.unwrap_or_default(),
        role: role(row, 0)?,
        member: member.transpose()?,
        other_owners: sql::unsigned(row, 1)?,
        member_count: sql::unsigned(row, 2)?,
    })
}

/// Locks the actor and the scope. Sends all it asks at once.
pub(super) async fn policy_facts(tx: &Session, change: &ScopePolicyChange) -> Tx<ScopePolicyFacts> {
    let queries = CallerQueries::prepare(tx).await?;
    let [lock, role_of] = tx.prepare([TO_CHANGE, ROLE_ALONE]).await?;
    let (name, user) = (change.scope.as_str(), Uuid::from(change.actor.user));
    let (caller, locked, roles) =
        try_join!(queries.load(tx, &change.actor), tx.rows(&lock, [&name]), tx.rows(&role_of, [&name, &user]),)?;
    let role = roles.first().map(|row| role(row, 0)).transpose()?.flatten();
    Ok(ScopePolicyFacts { caller, requires_2fa: requires_2fa(&locked)?, role })
}
