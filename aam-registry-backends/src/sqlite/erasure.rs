use aam_registry_core::{
    decide::{DeleteAccount, DeleteAccountFacts},
    types::{ScopeRole, UserId, Username},
};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{accounts, facts, failure::Tx, sql};
use crate::relational::predicates::{account_is_enabled, administers};

/// The unscoped packages and the scopes that only a user owns. A scope counts that has packages or other members.
const OWNERLESS: &str = concat!(
    "SELECT p.name FROM package_owners o JOIN packages p ON p.id = o.package_id
     WHERE o.user_id = ?1 AND p.scope IS NULL AND NOT EXISTS (
         SELECT 1 FROM package_owners x JOIN users u ON u.id = x.user_id
         WHERE x.package_id = p.id AND x.user_id <> ?1 AND ",
    account_is_enabled!("u."),
    ") UNION ALL
     SELECT '@' || m.scope FROM scope_members m WHERE m.user_id = ?1 AND m.role = ?2 AND NOT EXISTS (
         SELECT 1 FROM scope_members x JOIN users u ON u.id = x.user_id
         WHERE x.scope = m.scope AND x.role = ?2 AND x.user_id <> ?1 AND ",
    account_is_enabled!("u."),
    ") AND (EXISTS (SELECT 1 FROM packages p WHERE p.scope = m.scope)
         OR EXISTS (SELECT 1 FROM scope_members x WHERE x.scope = m.scope AND x.user_id <> ?1))"
);

pub(super) fn delete_account_facts(tx: &Connection, delete: &DeleteAccount) -> Tx<DeleteAccountFacts> {
    let account = accounts::account(tx, &delete.username)?;
    let id = account.as_ref().map(|account| account.user.id.to_string()).unwrap_or_default();
    let others = concat!("SELECT 1 FROM users WHERE ", administers!(""), " AND id <> ?1");
    Ok(DeleteAccountFacts {
        caller: delete.actor().map(|actor| facts::caller(tx, actor)).transpose()?.unwrap_or_default(),
        has_other_admin: sql::exists(tx, others, [&id])?,
        ownerless: sql::all(tx, OWNERLESS, (&id, ScopeRole::Owner.as_str()), sql::value)?,
        account,
    })
}

/// Those of these names that accounts had which are deleted: their scopes are there without them.
pub(super) fn erased_usernames(tx: &Connection, names: &[Username]) -> Tx<Vec<Username>> {
    let query = "SELECT 1 FROM scopes WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM users WHERE username = ?1)";
    let mut erased = Vec::new();
    for name in names {
        if sql::exists(tx, query, [name.as_str()])? {
            erased.push(name.clone());
        }
    }
    Ok(erased)
}

/// Erases what belongs to an account.
pub(super) fn erase(tx: &Connection, user: UserId, at: Timestamp) -> Tx<()> {
    let id = user.to_string();
    for table in ["scope_members", "package_owners", "one_time_tokens", "sessions", "second_factors"] {
        sql::run(tx, &format!("DELETE FROM {table} WHERE user_id = ?1"), [&id])?;
    }
    sql::run(tx, "DELETE FROM trusted_publishers WHERE created_by = ?1 AND pending", [&id])?;
    let tokens = "UPDATE tokens SET revoked_at = coalesce(revoked_at, ?2), name = 'deleted', last_used_from = NULL WHERE user_id = ?1";
    sql::run(tx, tokens, (&id, at.as_microsecond()))?;
    sql::run(tx, "UPDATE registry_totals SET users = users - 1", []).map(drop)
}
