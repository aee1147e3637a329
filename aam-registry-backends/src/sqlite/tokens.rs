use aam_registry_core::{
    Error, Result,
    ports::{TokenHolder, TokenStore},
    types::{Actor, NewAuditEntry, Sha256Digest, Token, TokenId},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Row;

use super::{SqliteMetadata, access, audit, failure::Tx, sql, users};
use crate::relational::columns;

/// What [`token`] reads.
const COLUMNS: &str = "t.id, t.user_id, t.name, t.scopes, t.packages, t.created_at, t.expires_at, t.last_used_at";
const COLUMN_COUNT: usize = 8;

#[async_trait]
impl TokenStore for SqliteMetadata {
    async fn create_token(
        &self,
        actor: &Actor,
        token: &Token,
        secret: Sha256Digest,
        audit: &NewAuditEntry,
    ) -> Result<()> {
        let (actor, token, entry) = (actor.clone(), token.clone(), audit.clone());
        self.write(move |tx| {
            let caller = access::require_live(tx, &actor, entry.timestamp)?;
            sql::run(
                tx,
                "INSERT INTO tokens (id, user_id, name, secret, scopes, packages, created_at, expires_at, last_used_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                (
                    token.id.to_string(),
                    caller.user,
                    &token.name,
                    secret.as_bytes(),
                    columns::token_scopes_text(token.scopes)?,
                    columns::token_patterns_text(&token.packages)?,
                    token.created_at.as_microsecond(),
                    token.expires_at.map(Timestamp::as_microsecond),
                    token.last_used_at.map(Timestamp::as_microsecond),
                ),
            )?;
            audit::append(tx, &entry)
        })
        .await
    }

    async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>> {
        let user = actor.user.to_string();
        self.read(move |tx| {
            let query = format!(
                "SELECT {COLUMNS} FROM tokens t WHERE t.user_id = ?1 AND t.revoked_at IS NULL
                 AND (t.expires_at IS NULL OR t.expires_at > ?2) ORDER BY t.created_at DESC, t.id DESC"
            );
            sql::all(tx, &query, (user, now.as_microsecond()), token)
        })
        .await
    }

    async fn revoke_token(&self, actor: &Actor, id: TokenId, audit: &NewAuditEntry) -> Result<()> {
        let (actor, entry) = (actor.clone(), audit.clone());
        self.write(move |tx| {
            let caller = access::require_live(tx, &actor, entry.timestamp)?;
            let revoked = sql::run(
                tx,
                "UPDATE tokens SET revoked_at = ?3 WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL",
                (id.to_string(), caller.user, entry.timestamp.as_microsecond()),
            )?;
            if revoked == 0 {
                return Err(Error::TokenNotFound(id).into());
            }
            audit::append(tx, &entry)
        })
        .await
    }

    async fn token_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<TokenHolder>> {
        let secret = *secret;
        self.read(move |tx| {
            let query = format!(
                "SELECT {COLUMNS}, {} FROM tokens t JOIN users u ON u.id = t.user_id
                 WHERE t.secret = ?1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > ?2)
                 AND NOT u.disabled",
                users::columns("u")
            );
            sql::first(tx, &query, (secret.as_bytes(), now.as_microsecond()), |row| {
                Ok(TokenHolder { token: token(row)?, user: users::user(row, COLUMN_COUNT)? })
            })
        })
        .await
    }

    async fn touch_tokens(&self, used: &[(TokenId, Timestamp)]) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let used = used.to_vec();
        self.write(move |tx| {
            let touch = "UPDATE tokens SET last_used_at = ?2
                         WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
            for (id, at) in used {
                sql::run(tx, touch, (id.to_string(), at.as_microsecond()))?;
            }
            Ok(())
        })
        .await
    }
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
    })
}
