//! Tokens of trusted publishers.

use aam_registry_core::{
    decide::{CallerPublisher, PublisherToken, RevokePublisherTokenFacts},
    ports::PublisherHolder,
    types::{PublisherTokenId, Sha256Digest},
};
use rusqlite::Connection;

use super::{failure::Tx, sql};
use crate::relational::{columns, predicates::account_is_enabled};

/// What is read of the user who added the publisher `p`.
pub(super) const CREATOR: &str = concat!(
    "(SELECT ",
    account_is_enabled!("u."),
    " FROM users u WHERE u.id = p.created_by),
    (SELECT m.role FROM scope_members m WHERE m.scope = p.scope AND m.user_id = p.created_by)"
);

/// The publisher and its token, by the digest of the secret.
pub(super) fn by_secret(tx: &Connection, secret: &Sha256Digest) -> Tx<Option<PublisherHolder>> {
    let query = "SELECT t.id, t.publisher_id, t.name, t.expires_at, p.package,
             (SELECT u.username FROM users u WHERE u.id = p.created_by)
         FROM publisher_tokens t JOIN trusted_publishers p ON p.id = t.publisher_id WHERE t.secret = ?1";
    sql::first(tx, query, [secret.as_bytes()], |row| {
        let token = PublisherToken {
            id: sql::parsed(row, 0)?,
            publisher: sql::parsed(row, 1)?,
            secret: *secret,
            name: row.get(2)?,
            expires_at: sql::instant(row, 3)?,
        };
        let added_by = row.get::<_, Option<String>>(5)?.map(|name| name.parse()).transpose()?;
        Ok(PublisherHolder { token, package: sql::parsed(row, 4)?, added_by })
    })
}

/// What is known of the trusted publisher that a token is of.
pub(super) fn caller_publisher(tx: &Connection, token: PublisherTokenId) -> Tx<Option<CallerPublisher>> {
    let query = format!(
        "SELECT p.package, p.pending, t.expires_at, p.created_by, {CREATOR}
         FROM publisher_tokens t JOIN trusted_publishers p ON p.id = t.publisher_id WHERE t.id = ?1"
    );
    sql::first(tx, &query, [token.to_string()], |row| {
        Ok(CallerPublisher {
            package: sql::parsed(row, 0)?,
            pending: row.get(1)?,
            expires_at: sql::instant(row, 2)?,
            created_by: sql::parsed(row, 3)?,
            creator_is_enabled: row.get::<_, Option<bool>>(4)?.unwrap_or_default(),
            creator_role: row.get::<_, Option<String>>(5)?.as_deref().map(columns::role).transpose()?,
        })
    })
}

/// What the revocation of a token is decided by.
pub(super) fn revocation_facts(tx: &Connection, token: PublisherTokenId) -> Tx<RevokePublisherTokenFacts> {
    let query = "SELECT expires_at FROM publisher_tokens WHERE id = ?1";
    let expires_at = sql::first(tx, query, [token.to_string()], |row| sql::instant(row, 0))?;
    Ok(RevokePublisherTokenFacts { expires_at })
}

pub(super) fn add_token(tx: &Connection, token: &PublisherToken) -> Tx<()> {
    let insert =
        "INSERT INTO publisher_tokens (id, publisher_id, secret, name, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = (
        token.id.to_string(),
        token.publisher.to_string(),
        token.secret.as_bytes(),
        &token.name,
        token.expires_at.as_microsecond(),
    );
    sql::run(tx, insert, row).map(drop)
}
