//! Trusted publishers, and which ID tokens were used.

use aam_registry_core::{
    decide::{PublisherCandidate, PublisherFacts, TokenExchange, TokenExchangeFacts},
    types::{Actor, PackageName, PublisherId, Sha256Digest, TrustedPublisher, UserId},
};
use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::{facts, failure::Tx, publisher_tokens::CREATOR, sql};
use crate::relational::columns;

/// What [`publisher`] reads of `p`.
const COLUMNS: &str = "p.id, p.package, p.issuer, p.preset, p.claims, p.pinned, p.pending, p.created_at, p.created_by";
/// What a change of the trusted publishers of a package, or a question for them, is decided by.
pub(super) fn publisher_facts(tx: &Connection, actor: &Actor, name: &PackageName) -> Tx<PublisherFacts> {
    let of_package =
        format!("SELECT {COLUMNS} FROM trusted_publishers p WHERE p.package = ?1 ORDER BY p.created_at, p.id");
    let pending = "SELECT count(*) FROM trusted_publishers WHERE created_by = ?1 AND pending";
    let scope_exists = match name.scope() {
        Some(scope) => facts::scope_exists(tx, &scope)?,
        None => false,
    };
    Ok(PublisherFacts {
        access: facts::access(tx, actor, name)?.0,
        scope_exists,
        publishers: sql::all(tx, &of_package, [name.as_str()], publisher)?,
        pending_of_actor: sql::first(tx, pending, [actor.user.to_string()], |row| sql::unsigned(row, 0))?
            .unwrap_or_default(),
    })
}

/// What an exchange of an ID token is decided by.
pub(super) fn exchange_facts(tx: &Connection, exchange: &TokenExchange) -> Tx<TokenExchangeFacts> {
    let token = &exchange.id_token;
    let query = format!(
        "SELECT {COLUMNS}, EXISTS (SELECT 1 FROM packages k WHERE k.name = p.package), {CREATOR}
         FROM trusted_publishers p
         WHERE p.issuer = ?1 AND p.anchor IN (SELECT value FROM json_each(?2)) AND (?3 IS NULL OR p.package = ?3)
         ORDER BY p.created_at, p.id LIMIT ?4"
    );
    let anchors = serde_json::to_string(&TrustedPublisher::anchors(token))?;
    let package = exchange.package.as_ref().map(PackageName::as_str);
    let most = columns::limit(columns::MOST_CANDIDATES);
    let candidates = sql::all(tx, &query, (token.issuer.as_str(), anchors, package, most), |row| {
        Ok(PublisherCandidate {
            publisher: publisher(row)?,
            package_exists: row.get(9)?,
            creator_is_enabled: row.get::<_, Option<bool>>(10)?.unwrap_or_default(),
            creator_role: row.get::<_, Option<String>>(11)?.as_deref().map(columns::role).transpose()?,
        })
    })?;
    let used = sql::exists(tx, "SELECT 1 FROM used_id_tokens WHERE digest = ?1", [token.key().as_bytes()])?;
    Ok(TokenExchangeFacts { used, candidates })
}

fn publisher(row: &Row<'_>) -> Tx<TrustedPublisher> {
    Ok(TrustedPublisher {
        id: sql::parsed(row, 0)?,
        package: sql::parsed(row, 1)?,
        issuer: sql::coded(row, 2, columns::issuer)?,
        preset: sql::coded(row, 3, columns::preset)?,
        claims: sql::coded(row, 4, columns::claims)?,
        pinned: sql::coded(row, 5, columns::claims)?,
        pending: row.get(6)?,
        created_at: sql::instant(row, 7)?,
        created_by: sql::parsed(row, 8)?,
    })
}

/// Adds a publisher, or makes it what it is from now on.
pub(super) fn put(tx: &Connection, publisher: &TrustedPublisher) -> Tx<()> {
    let put = "INSERT INTO trusted_publishers
            (id, package, scope, issuer, preset, claims, pinned, anchor, pending, created_at, created_by)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (id) DO UPDATE SET pinned = excluded.pinned, pending = excluded.pending";
    let scope = publisher.package.scope();
    let row = (
        publisher.id.to_string(),
        publisher.package.as_str(),
        scope.as_ref().map(|scope| scope.as_str()),
        publisher.issuer.as_str(),
        publisher.preset.as_str(),
        columns::claims_text(&publisher.claims)?,
        columns::claims_text(&publisher.pinned)?,
        publisher.anchor(),
        publisher.pending,
        publisher.created_at.as_microsecond(),
        publisher.created_by.to_string(),
    );
    sql::run(tx, put, row).map(drop)
}

/// Deletes a publisher and its tokens.
pub(super) fn delete(tx: &Connection, id: PublisherId) -> Tx<()> {
    sql::run(tx, "DELETE FROM publisher_tokens WHERE publisher_id = ?1", [id.to_string()])?;
    sql::run(tx, "DELETE FROM trusted_publishers WHERE id = ?1", [id.to_string()]).map(drop)
}

/// Makes the publishers that waited for a package those of it, but for those of others than its owner.
pub(super) fn settle(tx: &Connection, package: &PackageName, owner: Option<UserId>) -> Tx<()> {
    if let Some(owner) = owner {
        let others = "SELECT id FROM trusted_publishers WHERE package = ?1 AND pending AND created_by <> ?2";
        let others: Vec<PublisherId> =
            sql::all(tx, others, (package.as_str(), owner.to_string()), |row| sql::parsed(row, 0))?;
        others.into_iter().try_for_each(|id| delete(tx, id))?;
    }
    sql::run(tx, "UPDATE trusted_publishers SET pending = 0 WHERE package = ?1 AND pending", [package.as_str()])
        .map(drop)
}

pub(super) fn use_id_token(tx: &Connection, key: &Sha256Digest, until: Timestamp) -> Tx<()> {
    let insert = "INSERT INTO used_id_tokens (digest, expires_at) VALUES (?1, ?2)";
    sql::run(tx, insert, (key.as_bytes(), until.as_microsecond())).map(drop)
}
