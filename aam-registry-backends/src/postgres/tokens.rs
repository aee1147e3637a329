use aam_registry_core::{
    Result,
    decide::{NewToken, NewTokenFacts, RevokeToken, RevokeTokenFacts},
    ports::{TokenHolder, TokenStore},
    types::{Actor, Credential, Sha256Digest, Token, TokenUse},
};
use async_trait::async_trait;
use futures_util::try_join;
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    PostgresMetadata,
    connection::Session,
    facts::CallerQueries,
    failure::Tx,
    sql,
    users::{self, user_columns},
};
use crate::relational::{
    columns,
    predicates::{account_is_enabled, token_is_live},
};

/// What [`token`] reads.
macro_rules! token_columns {
    () => {
        "t.id, t.user_id, t.name, t.scopes, t.packages, t.created_at, t.expires_at, t.last_used_at, t.last_used_from"
    };
}
pub(super) use token_columns;
const COLUMN_COUNT: usize = 9;

const LIST: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM tokens t WHERE t.user_id = $1 AND ",
    token_is_live!("t.", "$2"),
    " ORDER BY t.created_at DESC, t.id DESC"
);
/// How many tokens of a user are in force.
const LIVE: &str = concat!("SELECT count(*) FROM tokens t WHERE t.user_id = $1 AND ", token_is_live!("t.", "$2"));
/// The token that is revoked and the one that it is revoked with.
const LOCK: &str = "SELECT 1 FROM tokens WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";
const OWNER: &str = "SELECT user_id FROM tokens WHERE id = $1 AND revoked_at IS NULL";
const HOLDER: &str = concat!(
    "SELECT ",
    token_columns!(),
    ", ",
    user_columns!(),
    " FROM tokens t JOIN users u ON u.id = t.user_id
      WHERE t.secret = $1 AND ",
    token_is_live!("t.", "$2"),
    " AND ",
    account_is_enabled!("u.")
);
const OF_SECRET: &str = concat!(
    "SELECT ",
    token_columns!(),
    ", ",
    user_columns!(),
    " FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.secret = $1 AND t.revoked_at IS NULL"
);
/// What changes tokens takes this before any row of them: whoever revokes all tokens takes the table
/// first and the rows then, so that neither waits for the other.
pub(super) const LOCK_TO_CHANGE: &str = "LOCK TABLE tokens IN ROW EXCLUSIVE MODE";
/// Where all tokens are locked, as while they are revoked, their use is stored later.
const LOCK_TO_TOUCH: &str = "LOCK TABLE tokens IN ROW EXCLUSIVE MODE NOWAIT";
/// A token that somebody changes at the moment is passed over: when it was
/// used is told to the second anyway, and nobody's connection is waited on.
const TOUCH: &str = "WITH used AS (
        SELECT t.id, u.at, u.place FROM unnest($1::uuid[], $2::bigint[], $3::text[]) u (id, at, place) JOIN tokens t ON t.id = u.id
        WHERE t.last_used_at IS NULL OR t.last_used_at < u.at ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
    )
    UPDATE tokens t SET last_used_at = used.at, last_used_from = used.place FROM used WHERE t.id = used.id";

#[async_trait]
impl TokenStore for PostgresMetadata {
    async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>> {
        let (user, now) = (Uuid::from(actor.user), now.as_microsecond());
        self.read(|tx| async move { sql::all(&tx, LIST, [&user, &now], token).await }).await
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

    async fn touch_tokens(&self, used: &[TokenUse]) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = used.iter().map(|used| Uuid::from(used.token)).collect();
        let instants: Vec<_> = used.iter().map(|used| used.at.as_microsecond()).collect();
        let places: Vec<_> = used.iter().map(|used| used.from.map(|from| from.to_string())).collect();
        let (ids, instants, places) = (&ids, &instants, &places);
        self.write(|tx| async move {
            tx.command(LOCK_TO_TOUCH).await?;
            sql::run(&tx, TOUCH, [ids as &(dyn ToSql + Sync), instants, places]).await?;
            Ok(())
        })
        .await
    }
}

/// The token with that secret, revoked ones apart, and its user.
pub(super) async fn of_secret(tx: &Session, secret: &Sha256Digest) -> Tx<Option<TokenHolder>> {
    sql::first(tx, OF_SECRET, [&secret.as_bytes().as_slice()], |row| {
        Ok(TokenHolder { token: token(row)?, user: users::user(row, COLUMN_COUNT)? })
    })
    .await
}

pub(super) async fn new_token_facts(tx: &Session, new: &NewToken) -> Tx<NewTokenFacts> {
    tx.command(LOCK_TO_CHANGE).await?;
    let queries = CallerQueries::prepare(tx).await?;
    let [live] = tx.prepare([LIVE]).await?;
    let (user, now) = (Uuid::from(new.actor.user), new.audit.timestamp.as_microsecond());
    let ((), caller, live) = try_join!(
        // What is counted after that stays so.
        queries.lock_user_alone(tx, &new.actor),
        queries.load(tx, &new.actor),
        tx.rows(&live, [&user, &now]),
    )?;
    Ok(NewTokenFacts {
        caller,
        live_tokens: live.first().map(|row| sql::unsigned(row, 0)).transpose()?.unwrap_or_default(),
    })
}

pub(super) async fn revocation_facts(tx: &Session, revocation: &RevokeToken) -> Tx<RevokeTokenFacts> {
    tx.command(LOCK_TO_CHANGE).await?;
    let queries = CallerQueries::prepare(tx).await?;
    let [lock, owner] = tx.prepare([LOCK, OWNER]).await?;
    let (actor, id) = (&revocation.actor, Uuid::from(revocation.token));
    let mut tokens = vec![id];
    if let Credential::Token(with) = &actor.credential {
        tokens.push(Uuid::from(*with));
    }
    let ((), _, caller, owners) = try_join!(
        queries.lock_user(tx, actor),
        tx.rows(&lock, [&tokens]),
        queries.load(tx, actor),
        tx.rows(&owner, [&id]),
    )?;
    Ok(RevokeTokenFacts { caller, owner: owners.first().map(|row| sql::id(row, 0)).transpose()? })
}

/// A token and its user, out of [`token_columns`] and those of the user.
pub(super) fn holder(row: &Row) -> Tx<TokenHolder> {
    Ok(TokenHolder { token: token(row)?, user: users::user(row, COLUMN_COUNT)? })
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
        last_used_from: row.try_get::<_, Option<&str>>(8)?.and_then(|address| address.parse().ok()),
    })
}
