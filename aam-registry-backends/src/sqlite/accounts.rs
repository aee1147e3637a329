use aam_registry_core::{
    Error, Result,
    ports::{AccountActor, AccountChange, AccountFacts, AccountStore, ChangedAccount, RevokedTokens, TokenRevocation},
    types::{AccountFilter, AccountState, User, Username},
};
use async_trait::async_trait;
use rusqlite::{Connection, types::Value};

use super::{SqliteMetadata, access, audit, failure::Tx, sql, users};
use crate::relational::columns;

#[async_trait]
impl AccountStore for SqliteMetadata {
    async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>> {
        let filter = filter.clone();
        self.read(move |tx| list(tx, &filter)).await
    }

    async fn change_account(&self, change: &AccountChange) -> Result<ChangedAccount> {
        let change = change.clone();
        self.write(move |tx| apply(tx, &change)).await
    }

    async fn revoke_tokens(&self, revocation: &TokenRevocation) -> Result<u64> {
        let revocation = revocation.clone();
        self.write(move |tx| revoke(tx, &revocation)).await
    }
}

fn list(tx: &Connection, filter: &AccountFilter) -> Tx<Vec<User>> {
    let mut query = format!("SELECT {} FROM users u WHERE u.username > ?", users::columns("u"));
    let mut params = vec![Value::Text(filter.after.as_ref().map(ToString::to_string).unwrap_or_default())];
    for (column, wanted) in [("is_admin", filter.is_admin), ("disabled", filter.disabled)] {
        if let Some(wanted) = wanted {
            query.push_str(" AND u.");
            query.push_str(column);
            query.push_str(" = ?");
            params.push(Value::Integer(wanted.into()));
        }
    }
    query.push_str(" ORDER BY u.username LIMIT ?");
    params.push(Value::Integer(columns::limit(filter.limit)));
    sql::all(tx, &query, rusqlite::params_from_iter(params), |row| users::user(row, 0))
}

fn apply(tx: &Connection, change: &AccountChange) -> Tx<ChangedAccount> {
    let account = require(tx, &change.username)?;
    let user = account.user.clone();
    let id = user.id.to_string();
    if let AccountActor::Itself(actor) = &change.by
        && access::require_live(tx, actor, change.now)?.user != id
    {
        return Err(Error::credential_ended().into());
    }
    let facts = AccountFacts {
        has_other_admin: has_other_admin(tx, change, &id)?,
        email_taken: email_taken(tx, change, &id)?,
        account,
    };
    let Some((after, entries)) = change.decide(&facts)? else { return Ok(ChangedAccount { user, changed: false }) };
    sql::run(
        tx,
        "UPDATE users SET email = ?2, email_key = ?3, password_hash = ?4, is_admin = ?5, disabled = ?6,
             session_generation = ?7, kept_session = ?8 WHERE id = ?1",
        (
            &id,
            &after.user.email,
            columns::email_key(&after.user.email),
            &after.password_hash,
            after.user.is_admin,
            after.user.disabled,
            columns::signed(after.session_generation),
            &after.kept_session,
        ),
    )?;
    for entry in &entries {
        audit::append(tx, entry)?;
    }
    Ok(ChangedAccount { user: after.user, changed: true })
}

/// The account of a user, who must exist.
fn require(tx: &Connection, username: &Username) -> Tx<AccountState> {
    let query = format!(
        "SELECT {}, u.password_hash, u.session_generation, u.kept_session FROM users u WHERE u.username = ?1",
        users::columns("u")
    );
    let account = sql::first(tx, &query, [username.as_str()], |row| {
        Ok(AccountState {
            user: users::user(row, 0)?,
            password_hash: row.get(users::COLUMN_COUNT)?,
            session_generation: sql::unsigned(row, users::COLUMN_COUNT + 1)?,
            kept_session: row.get(users::COLUMN_COUNT + 2)?,
        })
    })?;
    account.ok_or_else(|| Error::UserNotFound(username.clone()).into())
}

fn has_other_admin(tx: &Connection, change: &AccountChange, id: &str) -> Tx<bool> {
    let others = "SELECT 1 FROM users WHERE is_admin AND NOT disabled AND id <> ?1";
    Ok(change.update.may_end_an_admin() && sql::exists(tx, others, [id])?)
}

fn email_taken(tx: &Connection, change: &AccountChange, id: &str) -> Tx<bool> {
    let Some(email) = change.update.email() else { return Ok(false) };
    sql::exists(tx, "SELECT 1 FROM users WHERE email_key = ?1 AND id <> ?2", (columns::email_key(email), id))
}

fn revoke(tx: &Connection, revocation: &TokenRevocation) -> Tx<u64> {
    const LIVE: &str = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?1)";
    let now = revocation.now.as_microsecond();
    let update = format!("UPDATE tokens SET revoked_at = ?1 WHERE {LIVE}");
    let count = match &revocation.tokens {
        RevokedTokens::Id(id) => {
            if !sql::exists(tx, "SELECT 1 FROM tokens WHERE id = ?1", [id.to_string()])? {
                return Err(Error::TokenNotFound(*id).into());
            }
            sql::run(tx, &format!("{update} AND id = ?2"), (now, id.to_string()))?
        }
        RevokedTokens::Of(username) => {
            let user = users::require_id(tx, username)?;
            sql::run(tx, &format!("{update} AND user_id = ?2"), (now, user))?
        }
        RevokedTokens::All => sql::run(tx, &update, [now])?,
    } as u64;
    if let Some(entry) = revocation.recorded(count) {
        audit::append(tx, &entry)?;
    }
    Ok(count)
}
