use aam_registry_core::{
    Result,
    decide::{AccountChange, AccountFacts, RevokedTokens, TokenRevocation, TokenRevocationFacts},
    ports::AccountStore,
    types::{AccountFilter, AccountState, OneTimePurpose, OneTimeToken, Sha256Digest, User, Username},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, types::Value};

use super::{
    SqliteMetadata, facts,
    failure::{Failure, Tx},
    sql, users,
};
use crate::relational::{
    columns,
    predicates::{account_is_enabled, administers, has_a_role, one_time_token_is_live, token_is_live},
};

#[async_trait]
impl AccountStore for SqliteMetadata {
    async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>> {
        let filter = filter.clone();
        self.read_document(move |tx| list(tx, &filter)).await
    }

    async fn one_time_holder(
        &self,
        token: &Sha256Digest,
        purpose: OneTimePurpose,
        now: Timestamp,
    ) -> Result<Option<User>> {
        let token = *token;
        self.read(move |tx| {
            let query = format!(
                "SELECT {} FROM one_time_tokens t JOIN users u ON u.id = t.user_id
                 WHERE t.digest = ?1 AND t.purpose = ?2 AND {} AND {}",
                users::columns("u"),
                one_time_token_is_live!("t.", "?3"),
                account_is_enabled!("u.")
            );
            let of = (token.as_bytes(), purpose.as_str(), now.as_microsecond());
            sql::first(tx, &query, of, |row| users::user(row, 0))
        })
        .await
    }
}

/// The accounts that the filter admits. Deleted ones are among those that a query finds, so it may take several.
fn list(tx: &Connection, filter: &AccountFilter) -> Tx<Vec<User>> {
    let (mut found, mut next) = (Vec::new(), filter.clone());
    loop {
        let page = page(tx, &next)?;
        let is_last = page.len() < filter.limit;
        next.after = page.last().map(|user| user.username.clone());
        found.extend(page.into_iter().filter(|user| filter.admits(user)));
        if is_last || found.len() >= filter.limit {
            found.truncate(filter.limit);
            return Ok(found);
        }
    }
}

fn page(tx: &Connection, filter: &AccountFilter) -> Tx<Vec<User>> {
    let mut query = format!("SELECT {} FROM users u WHERE u.username > ?", users::columns("u"));
    let mut params = vec![Value::Text(filter.after.as_ref().map(ToString::to_string).unwrap_or_default())];
    if let Some(role) = filter.role {
        // The first condition names the index.
        let column = columns::account_role(role).ok_or_else(|| Failure::Corrupt("a role without a column".into()))?;
        query.push_str(concat!(" AND ", has_a_role!("u."), " AND u."));
        query.push_str(column);
    }
    if let Some(disabled) = filter.disabled {
        query.push_str(" AND u.disabled = ?");
        params.push(Value::Integer(disabled.into()));
    }
    query.push_str(" ORDER BY u.username LIMIT ?");
    params.push(Value::Integer(columns::limit(filter.limit)));
    sql::all(tx, &query, rusqlite::params_from_iter(params), |row| users::user(row, 0))
}

pub(super) fn account_facts(tx: &Connection, change: &AccountChange) -> Tx<AccountFacts> {
    let account = account(tx, &change.username)?;
    let id = account.as_ref().map(|account| account.user.id.to_string()).unwrap_or_default();
    Ok(AccountFacts {
        account,
        caller: change.actor().map(|actor| facts::caller(tx, actor)).transpose()?.unwrap_or_default(),
        one_time: used_token(tx, change, &id)?,
        one_time_tokens: one_time_tokens(tx, change, &id)?,
        has_other_admin: has_other_admin(tx, change, &id)?,
        email_taken: email_taken(tx, change, &id)?,
    })
}

/// The account of a user.
pub(super) fn account(tx: &Connection, username: &Username) -> Tx<Option<AccountState>> {
    let query = format!(
        "SELECT {}, u.password_hash, u.session_generation, u.kept_session FROM users u WHERE u.username = ?1",
        users::columns("u")
    );
    sql::first(tx, &query, [username.as_str()], |row| {
        Ok(AccountState {
            user: users::user(row, 0)?,
            password_hash: row.get(users::COLUMN_COUNT)?,
            session_generation: sql::unsigned(row, users::COLUMN_COUNT + 1)?,
            kept_session: row.get(users::COLUMN_COUNT + 2)?,
        })
    })
}

fn has_other_admin(tx: &Connection, change: &AccountChange, id: &str) -> Tx<bool> {
    let others = concat!("SELECT 1 FROM users WHERE ", administers!(""), " AND id <> ?1");
    Ok(change.update.may_end_an_admin() && sql::exists(tx, others, [id])?)
}

fn email_taken(tx: &Connection, change: &AccountChange, id: &str) -> Tx<bool> {
    let Some(email) = change.update.email() else { return Ok(false) };
    sql::exists(tx, "SELECT 1 FROM users WHERE email_key = ?1 AND id <> ?2", (columns::email_key(email), id))
}

fn used_token(tx: &Connection, change: &AccountChange, id: &str) -> Tx<Option<OneTimeToken>> {
    let Some(digest) = change.used_token() else { return Ok(None) };
    let query = "SELECT purpose, expires_at FROM one_time_tokens WHERE digest = ?1 AND user_id = ?2";
    sql::first(tx, query, (digest.as_bytes(), id), |row| {
        let (purpose, expires_at) = (columns::one_time_purpose(&row.get::<_, String>(0)?)?, sql::instant(row, 1)?);
        Ok(OneTimeToken { digest: *digest, purpose, expires_at })
    })
}

fn one_time_tokens(tx: &Connection, change: &AccountChange, id: &str) -> Tx<u64> {
    let Some(purpose) = change.update.token_purpose() else { return Ok(0) };
    let query = concat!(
        "SELECT count(*) FROM one_time_tokens WHERE user_id = ?1 AND purpose = ?2 AND ",
        one_time_token_is_live!("", "?3")
    );
    let count =
        sql::first(tx, query, (id, purpose.as_str(), change.now.as_microsecond()), |row| sql::unsigned(row, 0))?;
    Ok(count.unwrap_or_default())
}

pub(super) fn revocation_facts(tx: &Connection, revocation: &TokenRevocation) -> Tx<TokenRevocationFacts> {
    const LIVE: &str = concat!("SELECT id FROM tokens WHERE ", token_is_live!("", "?1"));
    let now = revocation.now.as_microsecond();
    let (exists, live) = match &revocation.tokens {
        RevokedTokens::Id(id) => {
            let id = id.to_string();
            let exists = sql::exists(tx, "SELECT 1 FROM tokens WHERE id = ?1", [&id])?;
            (exists, sql::all(tx, &format!("{LIVE} AND id = ?2"), (now, id), |row| sql::parsed(row, 0))?)
        }
        RevokedTokens::Of(username) => {
            let user = facts::user_id(tx, username)?;
            let id = user.map(|user| user.to_string());
            (user.is_some(), sql::all(tx, &format!("{LIVE} AND user_id = ?2"), (now, id), |row| sql::parsed(row, 0))?)
        }
        RevokedTokens::All => (true, sql::all(tx, LIVE, [now], |row| sql::parsed(row, 0))?),
    };
    Ok(TokenRevocationFacts { exists, live })
}
