use aam_registry_core::{
    Result,
    decide::{MemberChange, MemberFacts, MemberState, NewScope, NewScopeFacts, ScopePolicyChange, ScopePolicyFacts},
    ports::ScopeStore,
    types::{Collaborator, Scope, ScopeMember, ScopeName, ScopeRole, Sight, UserId, Visibility},
};
use async_trait::async_trait;
use rusqlite::Connection;

use super::{SqliteMetadata, facts, failure::Tx, sql};
use crate::relational::{
    columns,
    predicates::{account_is_enabled, has_open_version, package_is_in_reach},
    sight::{collaborators_in_sight, collaborators_to_read},
};

#[async_trait]
impl ScopeStore for SqliteMetadata {
    async fn scope(&self, name: &ScopeName, sight: &Sight) -> Result<Option<Scope>> {
        let (name, sight) = (name.clone(), sight.clone());
        self.read_document(move |tx| scope(tx, &name, &sight)).await
    }

    async fn scopes_of(&self, user: UserId, limit: usize) -> Result<Vec<(ScopeName, ScopeRole)>> {
        let query = "SELECT scope, role FROM scope_members WHERE user_id = ?1 ORDER BY scope LIMIT ?2";
        self.read(move |tx| {
            sql::all(tx, query, (user.to_string(), columns::limit(limit)), |row| {
                Ok((sql::parsed(row, 0)?, sql::coded(row, 1, columns::role)?))
            })
        })
        .await
    }
}

fn scope(tx: &Connection, name: &ScopeName, sight: &Sight) -> Tx<Option<Scope>> {
    let scope = "SELECT created_at, require_2fa FROM scopes WHERE name = ?1";
    let scope = sql::first(tx, scope, [name.as_str()], |row| Ok((sql::instant(row, 0)?, row.get(1)?)))?;
    let Some((created_at, require_2fa)) = scope else { return Ok(None) };
    let members = "SELECT u.username, m.role FROM scope_members m JOIN users u ON u.id = m.user_id
                   WHERE m.scope = ?1 ORDER BY u.username";
    let members = sql::all(tx, members, [name.as_str()], |row| {
        Ok(ScopeMember { username: sql::parsed(row, 0)?, role: sql::coded(row, 1, columns::role)? })
    })?;
    let owners = concat!(
        "SELECT u.username, p.name, p.private OR NOT ",
        has_open_version!("p."),
        " FROM packages p JOIN package_owners o ON o.package_id = p.id
         JOIN users u ON u.id = o.user_id WHERE p.scope = ?1 AND ",
        package_is_in_reach!("p.", "?3", "?3"),
        " ORDER BY p.name, u.username LIMIT ?2"
    );
    let more = columns::limit(collaborators_to_read(name, sight));
    let params = (name.as_str(), more, sight.reach().includes_private());
    let owners: Vec<_> = sql::all(tx, owners, params, |row| {
        let collaborator = Collaborator { username: sql::parsed(row, 0)?, package: sql::parsed(row, 1)? };
        Ok((collaborator, Visibility::of(row.get(2)?)))
    })?;
    let (collaborators, has_more_collaborators) = collaborators_in_sight(owners, sight);
    Ok(Some(Scope { name: name.clone(), created_at, require_2fa, members, collaborators, has_more_collaborators }))
}

pub(super) fn member_facts(tx: &Connection, change: &MemberChange) -> Tx<MemberFacts> {
    let scope = change.scope.as_str();
    let member = match facts::user_id(tx, &change.member)? {
        Some(user) => Some(MemberState { user, role: facts::role(tx, scope, user)? }),
        None => None,
    };
    let query = concat!(
        "SELECT count(*) FROM scope_members m JOIN users u ON u.id = m.user_id
         WHERE m.scope = ?1 AND m.role = ?2 AND u.username <> ?3 AND ",
        account_is_enabled!("u.")
    );
    let params = (scope, ScopeRole::Owner.as_str(), change.member.as_str());
    let other_owners = sql::first(tx, query, params, |row| sql::unsigned(row, 0))?;
    let members = "SELECT count(*) FROM scope_members WHERE scope = ?1";
    let member_count = sql::first(tx, members, [scope], |row| sql::unsigned(row, 0))?;
    Ok(MemberFacts {
        caller: facts::caller(tx, &change.actor)?,
        scope_exists: facts::scope_exists(tx, &change.scope)?,
        scope_requires_2fa: facts::requires_2fa(tx, &change.scope)?.unwrap_or_default(),
        role: facts::role(tx, scope, change.actor.user)?,
        member,
        other_owners: other_owners.unwrap_or_default(),
        member_count: member_count.unwrap_or_default(),
    })
}

pub(super) fn new_scope_facts(tx: &Connection, new: &NewScope) -> Tx<NewScopeFacts> {
    let user = "SELECT id FROM users WHERE username = ?1";
    let made = "SELECT count(*) FROM scopes WHERE created_by = ?1";
    Ok(NewScopeFacts {
        caller: facts::caller(tx, &new.actor)?,
        scope_exists: facts::scope_exists(tx, &new.name)?,
        user: sql::first(tx, user, [new.name.as_str()], |row| sql::parsed(row, 0))?,
        made: sql::first(tx, made, [new.actor.user.to_string()], |row| sql::unsigned(row, 0))?.unwrap_or_default(),
    })
}

pub(super) fn policy_facts(tx: &Connection, change: &ScopePolicyChange) -> Tx<ScopePolicyFacts> {
    Ok(ScopePolicyFacts {
        caller: facts::caller(tx, &change.actor)?,
        requires_2fa: facts::requires_2fa(tx, &change.scope)?,
        role: facts::role(tx, change.scope.as_str(), change.actor.user)?,
    })
}
