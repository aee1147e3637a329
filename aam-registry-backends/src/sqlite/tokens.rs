use aam_registry_core::{
    Result,
    decide::{NewToken, NewTokenFacts, RevokeToken, RevokeTokenFacts},
    ports::{TokenHolder, TokenStore},
    types::{Actor, Sha256Digest, Token, TokenUse},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::{SqliteMetadata, facts, failure::Tx, sql, users};
use crate::relational::{
    columns,
    predicates::{account_is_enabled, token_is_live},
};

/// What [`token`] reads.
pub(super) const COLUMNS: &str =
    "t.id, t.user_id, t.name, t.scopes, t.packages, t.created_at, t.expires_at, t.last_used_at, t.last_used_from";
const COLUMN_COUNT: usize = 9;

#[async_trait]
impl TokenStore for SqliteMetadata {
    async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>> {
        let user = actor.user.to_string();
        self.read(move |tx| {
            let query = format!(
                "SELECT {COLUMNS} FROM tokens t WHERE t.user_id = ?1 AND {} ORDER BY t.created_at DESC, t.id DESC",
                token_is_live!("t.", "?2")
            );
            sql::all(tx, &query, (user, now.as_microsecond()), token)
        })
        .await
    }

    async fn token_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<TokenHolder>> {
        let secret = *secret;
        self.read(move |tx| {
            let query = format!(
                "SELECT {COLUMNS}, {} FROM tokens t JOIN users u ON u.id = t.user_id
                 WHERE t.secret = ?1 AND {} AND {}",
                users::columns("u"),
                token_is_live!("t.", "?2"),
                account_is_enabled!("u.")
            );
            sql::first(tx, &query, (secret.as_bytes(), now.as_microsecond()), |row| {
                Ok(TokenHolder { token: token(row)?, user: users::user(row, COLUMN_COUNT)? })
            })
        })
        .await
    }

    async fn touch_tokens(&self, used: &[TokenUse]) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let used = used.to_vec();
        self.write(move |tx| {
            let touch = "UPDATE tokens SET last_used_at = ?2, last_used_from = ?3
                         WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
            for TokenUse { token, at, from } in used {
                let from = from.map(|from| from.to_string());
                sql::run(tx, touch, (token.to_string(), at.as_microsecond(), from))?;
            }
            Ok(())
        })
        .await
    }
}

/// The token with that secret, revoked ones apart, and its user.
pub(super) fn of_secret(tx: &Connection, secret: &Sha256Digest) -> Tx<Option<TokenHolder>> {
    let query = format!(
        "SELECT {COLUMNS}, {} FROM tokens t JOIN users u ON u.id = t.user_id
         WHERE t.secret = ?1 AND t.revoked_at IS NULL",
        users::columns("u")
    );
    sql::first(tx, &query, [secret.as_bytes()], |row| {
        Ok(TokenHolder { token: token(row)?, user: users::user(row, COLUMN_COUNT)? })
    })
}

pub(super) fn new_token_facts(tx: &Connection, new: &NewToken) -> Tx<NewTokenFacts> {
    let live = format!("SELECT count(*) FROM tokens t WHERE t.user_id = ?1 AND {}", token_is_live!("t.", "?2"));
    let params = (new.actor.user.to_string(), new.audit.timestamp.as_microsecond());
    Ok(NewTokenFacts {
        caller: facts::caller(tx, &new.actor)?,
        live_tokens: sql::first(tx, &live, params, |row| sql::unsigned(row, 0))?.unwrap_or_default(),
    })
}

pub(super) fn revocation_facts(tx: &Connection, revocation: &RevokeToken) -> Tx<RevokeTokenFacts> {
    let owner = "SELECT user_id FROM tokens WHERE id = ?1 AND revoked_at IS NULL";
    Ok(RevokeTokenFacts {
        caller: facts::caller(tx, &revocation.actor)?,
        owner: sql::first(tx, owner, [revocation.token.to_string()], |row| sql::parsed(row, 0))?,
    })
}

/// A token and its user, out of [`COLUMNS`] and those of the user.
pub(super) fn holder(row: &Row<'_>) -> Tx<TokenHolder> {
    Ok(TokenHolder { token: token(row)?, user: users::user(row, COLUMN_COUNT)? })
}

fn token(row: &Row<'_>) -> Tx<Token> {
    Ok(Token {
        id: sql::parsed(row, 0)?,
        user: sql::parsed(row, 1)?,
        name: row.get(2)?,
        scopes: sql::coded(row, 3, columns::token_scopes)?,
        packages: sql::coded(row, 4, columns::token_patterns)?,
        created_at: sql::instant(row, 5)?,
        expires_at: sql::optional_instant(row, 6)?,
        last_used_at: sql::optional_instant(row, 7)?,
        last_used_from: row.get::<_, Option<String>>(8)?.and_then(|address| address.parse().ok()),
    })
}
