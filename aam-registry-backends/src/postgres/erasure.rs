use aam_registry_core::{
    decide::{CallerFacts, DeleteAccount, DeleteAccountFacts},
    types::{ScopeRole, UserId, Username},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{accounts, connection::Session, facts, failure::Tx, sql, tokens::LOCK_TO_CHANGE};
use crate::relational::predicates::account_is_enabled;

/// Of two owners who leave at once, the second waits here and sees that it is the last.
const LOCK_SCOPES: &str = "SELECT 1 FROM scopes WHERE name IN (SELECT scope FROM scope_members WHERE user_id = $1)
    ORDER BY name FOR NO KEY UPDATE";
const LOCK_PACKAGES: &str =
    "SELECT 1 FROM packages WHERE id IN (SELECT package_id FROM package_owners WHERE user_id = $1)
    ORDER BY name FOR NO KEY UPDATE";
/// The unscoped packages and the scopes that only a user owns. A scope counts that has packages or other members.
const OWNERLESS: &str = concat!(
    "SELECT p.name FROM package_owners o JOIN packages p ON p.id = o.package_id
     WHERE o.user_id = $1 AND p.scope IS NULL AND NOT EXISTS (
         SELECT 1 FROM package_owners x JOIN users u ON u.id = x.user_id
         WHERE x.package_id = p.id AND x.user_id <> $1 AND ",
    account_is_enabled!("u."),
    ") UNION ALL
     SELECT '@' || m.scope FROM scope_members m WHERE m.user_id = $1 AND m.role = $2 AND NOT EXISTS (
         SELECT 1 FROM scope_members x JOIN users u ON u.id = x.user_id
         WHERE x.scope = m.scope AND x.role = $2 AND x.user_id <> $1 AND ",
    account_is_enabled!("u."),
    ") AND (EXISTS (SELECT 1 FROM packages p WHERE p.scope = m.scope)
         OR EXISTS (SELECT 1 FROM scope_members x WHERE x.scope = m.scope AND x.user_id <> $1))"
);
const ERASED: &str = "SELECT s.name FROM scopes s
    WHERE s.name = ANY($1) AND NOT EXISTS (SELECT 1 FROM users u WHERE u.username = s.name)";
pub(super) const ERASE: &str = "WITH members AS (DELETE FROM scope_members WHERE user_id = $1),
    owners AS (DELETE FROM package_owners WHERE user_id = $1),
    one_time AS (DELETE FROM one_time_tokens WHERE user_id = $1),
    logins AS (DELETE FROM sessions WHERE user_id = $1),
    publishers AS (DELETE FROM trusted_publishers WHERE created_by = $1 AND pending),
    factors AS (DELETE FROM second_factors WHERE user_id = $1),
    revoked AS (UPDATE tokens SET revoked_at = coalesce(revoked_at, $2), name = 'deleted', last_used_from = NULL WHERE user_id = $1)
    INSERT INTO pending_totals (users) VALUES (-1)";

pub(super) async fn delete_account_facts(tx: &Session, delete: &DeleteAccount) -> Tx<DeleteAccountFacts> {
    tx.command(LOCK_TO_CHANGE).await?;
    let admins = accounts::lock_admins(tx).await?;
    let account = accounts::account(tx, &delete.username).await?;
    let id = account.as_ref().map(|account| Uuid::from(account.user.id));
    let caller = match delete.actor() {
        Some(actor) => facts::caller(tx, actor).await?,
        None => CallerFacts::default(),
    };
    let mut ownerless = Vec::new();
    if let Some(id) = id {
        sql::all::<(), Vec<_>, 1>(tx, LOCK_SCOPES, [&id], |_| Ok(())).await?;
        sql::all::<(), Vec<_>, 1>(tx, LOCK_PACKAGES, [&id], |_| Ok(())).await?;
        ownerless = sql::all(tx, OWNERLESS, [&id, &ScopeRole::Owner.as_str()], |row| sql::text(row, 0)).await?;
    }
    let has_other_admin = admins.iter().any(|admin| Some(*admin) != id);
    Ok(DeleteAccountFacts { account, caller, has_other_admin, ownerless })
}

/// Those of these names that accounts had which are deleted: their scopes are there without them.
pub(super) async fn erased_usernames(tx: &Session, names: &[Username]) -> Tx<Vec<Username>> {
    let names: Vec<&str> = names.iter().map(Username::as_str).collect();
    sql::all(tx, ERASED, [&names], |row| sql::parsed(row, 0)).await
}

/// Erases what belongs to an account.
pub(super) async fn erase(tx: &Session, user: UserId, at: Timestamp) -> Tx<()> {
    sql::run(tx, ERASE, [&Uuid::from(user), &at.as_microsecond()]).await.map(drop)
}
