//! Trusted publishers, and which ID tokens were used.

use aam_registry_core::{
    decide::{
        CallerFacts, CallerToken, PackageAccess, PublisherCandidate, PublisherFacts, PublisherQuery, TokenExchange,
        TokenExchangeFacts,
    },
    types::{Actor, PackageName, TrustedPublisher},
};
use futures_util::try_join;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    connection::Session,
    facts::{self, account_columns, credential, rights_columns},
    failure::{Failure, Tx},
    publisher_tokens::{CHECKED_PUBLISHER, caller_publisher, creator_columns},
    sql,
};
use crate::relational::{columns, predicates::has_open_version};

/// What [`publisher`] reads of the publisher `t`.
macro_rules! publisher_columns {
    () => {
        "t.id, t.package, t.issuer, t.preset, t.claims, t.pinned, t.pending, t.created_at, t.created_by"
    };
}
const OF_PACKAGE: &str = concat!(
    "SELECT ",
    publisher_columns!(),
    " FROM trusted_publishers t WHERE t.package = $1 ORDER BY t.created_at, t.id"
);
const PENDING: &str = "SELECT count(*) FROM trusted_publishers WHERE created_by = $1 AND pending";
/// What the user `$1` is to the package `$4`, whether the scope `$3` exists, and a row for each publisher.
const SEEN: &str = concat!(
    "SELECT ",
    rights_columns!(),
    ", EXISTS (SELECT 1 FROM scopes s WHERE s.name = $3), p.updated_at, p.private, p.trusted_only, ",
    has_open_version!("p."),
    ", k.id IS NOT NULL, k.expires_at, ",
    account_columns!(),
    ", ",
    publisher_columns!(),
    " FROM (SELECT 1) one LEFT JOIN packages p ON p.name = $4 LEFT JOIN users u ON u.id = $1
        LEFT JOIN tokens k ON k.id = $5 AND k.user_id = $1 AND k.revoked_at IS NULL
        LEFT JOIN trusted_publishers t ON t.package = $4
      ORDER BY t.created_at, t.id"
);
const CANDIDATES: &str = concat!(
    "SELECT ",
    publisher_columns!(),
    ", EXISTS (SELECT 1 FROM packages p WHERE p.name = t.package), ",
    creator_columns!(),
    " FROM trusted_publishers t
      WHERE t.issuer = $1 AND t.anchor = ANY($2) AND ($3::text IS NULL OR t.package = $3)
      ORDER BY t.created_at, t.id LIMIT $4 FOR NO KEY UPDATE OF t"
);
const USED: &str = "SELECT 1 FROM used_id_tokens WHERE digest = $1";
pub(super) const FORGET_USED: &str = "DELETE FROM used_id_tokens WHERE expires_at < $1";

pub(super) const PUT: &str = "INSERT INTO trusted_publishers
        (id, package, scope, issuer, preset, claims, pinned, anchor, pending, created_at, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO UPDATE SET pinned = excluded.pinned, pending = excluded.pending";
pub(super) const DELETE: &str = "DELETE FROM trusted_publishers WHERE id = $1";
pub(super) const SET_ONLY: &str = "UPDATE packages SET trusted_only = $2 WHERE name = $1";
/// Deletes the publishers of others than the owner.
pub(super) const DROP_OTHERS: &str =
    "DELETE FROM trusted_publishers WHERE package = $1 AND pending AND $2::uuid IS NOT NULL AND created_by <> $2";
pub(super) const SETTLE: &str = "UPDATE trusted_publishers SET pending = FALSE WHERE package = $1 AND pending";
/// Of two at once the second ends in a unique violation, and starts again.
pub(super) const USE_ID_TOKEN: &str = "INSERT INTO used_id_tokens (digest, expires_at) VALUES ($1, $2)";

/// What a change of the trusted publishers of a package is decided by. Locks the actor, the scope and the package.
pub(super) async fn publisher_facts(tx: &Session, actor: &Actor, name: &PackageName) -> Tx<PublisherFacts> {
    let (access, scope_exists) = facts::locked_access(tx, actor, name).await?;
    let [of_package, pending] = tx.prepare([OF_PACKAGE, PENDING]).await?;
    let (name, user) = (name.as_str(), Uuid::from(actor.user));
    let (publishers, pending) = try_join!(tx.rows(&of_package, [&name]), tx.rows(&pending, [&user]))?;
    let pending_of_actor = pending.first().map(|row| sql::unsigned(row, 0)).transpose()?.unwrap_or_default();
    let publishers = publishers.iter().map(|row| publisher(row, 0)).collect::<Tx<_>>()?;
    Ok(PublisherFacts { access, scope_exists, publishers, pending_of_actor })
}

/// What a question for the trusted publishers of a package is decided by, from one statement and without locks.
pub(super) async fn seen_facts(tx: &Session, query: &PublisherQuery) -> Tx<PublisherFacts> {
    const ACCOUNT: usize = 10;
    const PUBLISHER: usize = ACCOUNT + facts::ACCOUNT_COLUMNS;
    let PublisherQuery { actor, package: name, .. } = query;
    let acting = match facts::publisher_token(actor) {
        Some(token) => sql::first(tx, CHECKED_PUBLISHER, [&token], caller_publisher).await?,
        None => None,
    };
    let (user, (session, token), scope) = (Uuid::from(actor.user), credential(actor), name.scope_or_empty());
    let [seen] = tx.prepare([SEEN]).await?;
    let rows = tx.rows(&seen, [&user, &session, &scope, &name.as_str(), &token]).await?;
    let row = rows.first().ok_or_else(|| Failure::Corrupt("a question without a row".into()))?;
    let expires_at = sql::optional_instant(row, 9)?;
    let caller = CallerFacts {
        account: facts::account(row, ACCOUNT)?,
        session_revoked: row.try_get(0)?,
        token: row.try_get::<_, bool>(8)?.then_some(CallerToken { expires_at }),
        publisher: acting,
    };
    let exists = sql::optional_instant(row, 4)?.is_some();
    let package = exists.then(|| facts::package_state(row, 4)).transpose()?;
    let (package_owner, scope_role) = (row.try_get(1)?, facts::role(row, 2)?);
    let access = PackageAccess { caller, package_owner, scope_role, package, ..PackageAccess::default() };
    let has_publisher = row.try_get::<_, Option<Uuid>>(PUBLISHER)?.is_some();
    let publishers = rows.iter().filter(|_| has_publisher).map(|row| publisher(row, PUBLISHER)).collect::<Tx<_>>()?;
    Ok(PublisherFacts { access, scope_exists: row.try_get(3)?, publishers, pending_of_actor: 0 })
}

/// What an exchange of an ID token is decided by. Locks the publishers that may match.
pub(super) async fn exchange_facts(tx: &Session, exchange: &TokenExchange) -> Tx<TokenExchangeFacts> {
    let token = &exchange.id_token;
    let [candidates, used] = tx.prepare([CANDIDATES, USED]).await?;
    let (issuer, anchors, key) = (token.issuer.as_str(), TrustedPublisher::anchors(token), token.key());
    // What holds a NUL is in no column of text.
    let anchors: Vec<_> = anchors.into_iter().filter(|anchor| !anchor.contains('\0')).collect();
    let package = exchange.package.as_ref().map(PackageName::as_str);
    let (most, key) = (columns::limit(columns::MOST_CANDIDATES), key.as_bytes().as_slice());
    let (candidates, used) =
        try_join!(tx.rows(&candidates, [&issuer, &anchors, &package, &most]), tx.rows(&used, [&key]))?;
    let candidate = |row: &Row| {
        Ok(PublisherCandidate {
            publisher: publisher(row, 0)?,
            package_exists: row.try_get(9)?,
            creator_is_enabled: row.try_get::<_, Option<bool>>(10)?.unwrap_or_default(),
            creator_role: facts::role(row, 11)?,
        })
    };
    Ok(TokenExchangeFacts { used: !used.is_empty(), candidates: candidates.iter().map(candidate).collect::<Tx<_>>()? })
}

fn publisher(row: &Row, at: usize) -> Tx<TrustedPublisher> {
    Ok(TrustedPublisher {
        id: sql::id(row, at)?,
        package: sql::parsed(row, at + 1)?,
        issuer: sql::coded(row, at + 2, columns::issuer)?,
        preset: sql::coded(row, at + 3, columns::preset)?,
        claims: sql::coded(row, at + 4, columns::claims)?,
        pinned: sql::coded(row, at + 5, columns::claims)?,
        pending: row.try_get(at + 6)?,
        created_at: sql::instant(row, at + 7)?,
        created_by: sql::id(row, at + 8)?,
    })
}

/// Adds a publisher, or makes it what it is from now on.
pub(super) async fn put(tx: &Session, publisher: &TrustedPublisher) -> Tx<()> {
    let scope = Some(publisher.package.scope_or_empty()).filter(|scope| !scope.is_empty());
    let row: [&(dyn ToSql + Sync); 11] = [
        &Uuid::from(publisher.id),
        &publisher.package.as_str(),
        &scope,
        &publisher.issuer.as_str(),
        &publisher.preset.as_str(),
        &columns::claims_text(&publisher.claims)?,
        &columns::claims_text(&publisher.pinned)?,
        &publisher.anchor(),
        &publisher.pending,
        &publisher.created_at.as_microsecond(),
        &Uuid::from(publisher.created_by),
    ];
    sql::run(tx, PUT, row).await.map(drop)
}
