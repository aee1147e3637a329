//! Tokens of trusted publishers.

use aam_registry_core::{
    decide::{CallerPublisher, PublisherToken, RevokePublisherTokenFacts},
    ports::PublisherHolder,
    types::{PublisherTokenId, Sha256Digest},
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{connection::Session, failure::Tx, sql};
use crate::relational::columns;

/// What is read of the user who added the publisher `t`.
macro_rules! creator_columns {
    () => {
        concat!(
            "(SELECT ",
            crate::relational::predicates::account_is_enabled!("u."),
            " FROM users u WHERE u.id = t.created_by),
             (SELECT m.role FROM scope_members m WHERE m.scope = t.scope AND m.user_id = t.created_by)"
        )
    };
}
pub(super) use creator_columns;

/// What [`caller_publisher`] reads: the publisher of the token `$1`.
macro_rules! caller_publisher_query {
    () => {
        concat!(
            "SELECT t.package, t.pending, k.expires_at, t.created_by, ",
            creator_columns!(),
            " FROM publisher_tokens k JOIN trusted_publishers t ON t.id = k.publisher_id WHERE k.id = $1"
        )
    };
}
/// Shares the locks of the publisher and its token, so that neither ends before our commit.
pub(super) const CALLER_PUBLISHER: &str = concat!(caller_publisher_query!(), " FOR SHARE OF k, t");
pub(super) const CHECKED_PUBLISHER: &str = caller_publisher_query!();

const BY_SECRET: &str = "SELECT k.id, k.publisher_id, k.name, k.expires_at, t.package,
        (SELECT u.username FROM users u WHERE u.id = t.created_by)
    FROM publisher_tokens k JOIN trusted_publishers t ON t.id = k.publisher_id WHERE k.secret = $1";
const TOKEN_END: &str = "SELECT expires_at FROM publisher_tokens WHERE id = $1 FOR UPDATE";
pub(super) const REVOKE_TOKEN: &str = "DELETE FROM publisher_tokens WHERE id = $1";
pub(super) const FORGET_TOKENS: &str = "DELETE FROM publisher_tokens WHERE expires_at < $1";
pub(super) const ADD_TOKEN: &str =
    "INSERT INTO publisher_tokens (id, publisher_id, secret, name, expires_at) VALUES ($1, $2, $3, $4, $5)";

/// The publisher and its token, by the digest of the secret.
pub(super) async fn by_secret(tx: &Session, secret: &Sha256Digest) -> Tx<Option<PublisherHolder>> {
    sql::first(tx, BY_SECRET, [&secret.as_bytes().as_slice()], |row| {
        let token = PublisherToken {
            id: sql::id(row, 0)?,
            publisher: sql::id(row, 1)?,
            secret: *secret,
            name: sql::text(row, 2)?,
            expires_at: sql::instant(row, 3)?,
        };
        let added_by = row.try_get::<_, Option<&str>>(5)?.map(str::parse).transpose()?;
        Ok(PublisherHolder { token, package: sql::parsed(row, 4)?, added_by })
    })
    .await
}

/// What the revocation of a token is decided by. Locks the token.
pub(super) async fn revocation_facts(tx: &Session, token: PublisherTokenId) -> Tx<RevokePublisherTokenFacts> {
    let expires_at = sql::first(tx, TOKEN_END, [&Uuid::from(token)], |row| sql::instant(row, 0)).await?;
    Ok(RevokePublisherTokenFacts { expires_at })
}

/// The trusted publisher that acts, from the columns of [`CALLER_PUBLISHER`].
pub(super) fn caller_publisher(row: &Row) -> Tx<CallerPublisher> {
    Ok(CallerPublisher {
        package: sql::parsed(row, 0)?,
        pending: row.try_get(1)?,
        expires_at: sql::instant(row, 2)?,
        created_by: sql::id(row, 3)?,
        creator_is_enabled: row.try_get::<_, Option<bool>>(4)?.unwrap_or_default(),
        creator_role: row.try_get::<_, Option<&str>>(5)?.map(columns::role).transpose()?,
    })
}

pub(super) async fn add_token(tx: &Session, token: &PublisherToken) -> Tx<()> {
    let secret = token.secret.as_bytes().as_slice();
    let row: [&(dyn ToSql + Sync); 5] = [
        &Uuid::from(token.id),
        &Uuid::from(token.publisher),
        &secret,
        &sql::Text(&token.name),
        &token.expires_at.as_microsecond(),
    ];
    sql::run(tx, ADD_TOKEN, row).await.map(drop)
}
