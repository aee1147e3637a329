use aam_registry_core::{
    Error, Result,
    ports::{TokenHolder, TokenStore},
    types::{Actor, Credential, NewAuditEntry, Sha256Digest, Token, TokenId},
};
use async_trait::async_trait;
use futures_util::try_join;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    access::{self, Liveness},
    admission::Rows,
    audit::Append,
    connection::Session,
    failure::Tx,
    sql::{self, Text},
    users::{self, user_columns},
};
use crate::relational::columns;

/// What [`token`] reads.
macro_rules! columns {
    () => {
        "t.id, t.user_id, t.name, t.scopes, t.packages, t.created_at, t.expires_at, t.last_used_at"
    };
}
const COLUMN_COUNT: usize = 8;

const CREATE: &str = "INSERT INTO tokens
        (id, user_id, name, secret, scopes, packages, created_at, expires_at, last_used_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM tokens t WHERE t.user_id = $1 AND t.revoked_at IS NULL
      AND (t.expires_at IS NULL OR t.expires_at > $2) ORDER BY t.created_at DESC, t.id DESC"
);
/// The token that is revoked and the one that it is revoked with.
const LOCK: &str = "SELECT 1 FROM tokens WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";
const REVOKE: &str = "UPDATE tokens SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL";
const HOLDER: &str = concat!(
    "SELECT ",
    columns!(),
    ", ",
    user_columns!(),
    " FROM tokens t JOIN users u ON u.id = t.user_id
      WHERE t.secret = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2) AND NOT u.disabled"
);
/// Where all tokens are locked, as while they are revoked, their use is stored later.
const LOCK_TO_TOUCH: &str = "LOCK TABLE tokens IN ROW EXCLUSIVE MODE NOWAIT";
/// A token that somebody changes at the moment is passed over: when it was
/// used is told to the second anyway, and nobody's connection is waited on.
const TOUCH: &str = "WITH used AS (
        SELECT t.id, u.at FROM unnest($1::uuid[], $2::bigint[]) u (id, at) JOIN tokens t ON t.id = u.id
        WHERE t.last_used_at IS NULL OR t.last_used_at < u.at ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
    )
    UPDATE tokens t SET last_used_at = used.at FROM used WHERE t.id = used.id";

#[async_trait]
impl TokenStore for PostgresMetadata {
    async fn create_token(
        &self,
        actor: &Actor,
        token: &Token,
        secret: Sha256Digest,
        audit: &NewAuditEntry,
    ) -> Result<()> {
        self.change(Rows::of(actor), |tx| async move { create(&tx, actor, token, &secret, audit).await }).await
    }

    async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>> {
        let (user, now) = (Uuid::from(actor.user), now.as_microsecond());
        self.read(|tx| async move { sql::all(&tx, LIST, [&user, &now], token).await }).await
    }

    async fn revoke_token(&self, actor: &Actor, id: TokenId, audit: &NewAuditEntry) -> Result<()> {
        self.change(Rows::of(actor), |tx| async move { revoke(&tx, actor, id, audit).await }).await
    }

    async fn token_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<TokenHolder>> {
        let (secret, now) = (secret.as_bytes().as_slice(), now.as_microsecond());
        self.read(|tx| async move {
            sql::first(&tx, HOLDER, [&secret, &now], |row| {
                Ok(TokenHolder { token: token(row)?, user: users::user(row, COLUMN_COUNT)? })
            })
            .await
        })
        .await
    }

    async fn touch_tokens(&self, used: &[(TokenId, Timestamp)]) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let (ids, instants): (Vec<_>, Vec<_>) =
            used.iter().map(|(id, at)| (Uuid::from(*id), at.as_microsecond())).unzip();
        let (ids, instants) = (&ids, &instants);
        self.write(|tx| async move {
            tx.command(LOCK_TO_TOUCH).await?;
            sql::run(&tx, TOUCH, [ids, instants]).await?;
            Ok(())
        })
        .await
    }
}

async fn create(tx: &Session, actor: &Actor, token: &Token, secret: &Sha256Digest, audit: &NewAuditEntry) -> Tx<()> {
    let append = Append::prepare(tx).await?;
    let [create] = tx.prepare([CREATE]).await?;
    let caller = access::require_live(tx, actor, audit.timestamp).await?;
    let (name, secret) = (Text(&token.name), secret.as_bytes().as_slice());
    let row: [&(dyn tokio_postgres::types::ToSql + Sync); 9] = [
        &Uuid::from(token.id),
        &caller.user,
        &name,
        &secret,
        &columns::token_scopes_text(token.scopes)?,
        &columns::token_patterns_text(&token.packages)?,
        &token.created_at.as_microsecond(),
        &token.expires_at.map(Timestamp::as_microsecond),
        &token.last_used_at.map(Timestamp::as_microsecond),
    ];
    try_join!(tx.execute(&create, row), append.run(tx, audit, None))?;
    Ok(())
}

async fn revoke(tx: &Session, actor: &Actor, id: TokenId, audit: &NewAuditEntry) -> Tx<()> {
    let liveness = Liveness::prepare(tx).await?;
    let append = Append::prepare(tx).await?;
    let [lock, revoke] = tx.prepare([LOCK, REVOKE]).await?;
    let mut tokens = vec![Uuid::from(id)];
    if let Credential::Token(with) = &actor.credential {
        tokens.push(Uuid::from(*with));
    }
    let ((), _, caller) = try_join!(
        liveness.lock_user(tx, actor),
        tx.rows(&lock, [&tokens]),
        liveness.require(tx, actor, audit.timestamp),
    )?;
    let revoked = tx.execute(&revoke, [&Uuid::from(id), &caller.user, &audit.timestamp.as_microsecond()]).await?;
    if revoked == 0 {
        return Err(Error::TokenNotFound(id).into());
    }
    append.run(tx, audit, None).await
}

fn token(row: &Row) -> Tx<Token> {
    Ok(Token {
        id: sql::id(row, 0)?,
        user: sql::id(row, 1)?,
        name: sql::text(row, 2)?,
        scopes: sql::coded(row, 3, columns::token_scopes)?,
        packages: sql::coded(row, 4, columns::token_patterns)?,
        created_at: sql::instant(row, 5)?,
        expires_at: sql::optional_instant(row, 6)?,
        last_used_at: sql::optional_instant(row, 7)?,
    })
}
