use aam_registry_core::{
    Result,
    decide::{
        CallerPublisher, PublisherCandidate, PublisherCommand, PublisherFacts, PublisherQuery, PublisherToken,
        TokenExchange, TokenExchangeFacts,
    },
    ports::{PublisherHolder, PublisherStore},
    types::{Actor, PackageName, PackagePublishers, Sha256Digest, TrustedPublisher},
};
use async_trait::async_trait;
use futures_util::try_join;
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    PostgresMetadata,
    admission::Rows,
    apply::apply,
    connection::Session,
    facts::{self, account_columns, credential, rights_columns},
    failure::{Failure, Tx},
    sql,
};
use crate::relational::columns;

/// What [`publisher`] reads of `p`.
macro_rules! publisher_columns {
    () => {
        "p.id, p.package, p.issuer, p.preset, p.claims, p.pinned, p.pending, p.created_at, p.created_by"
    };
}
/// What is read of the user who added the publisher `p`.
macro_rules! creator_columns {
    () => {
        "(SELECT NOT u.disabled FROM users u WHERE u.id = p.created_by),
         (SELECT m.role FROM scope_members m WHERE m.scope = p.scope AND m.user_id = p.created_by)"
    };
}

/// What [`caller_publisher`] reads: the publisher of the token `$1`.
macro_rules! caller_publisher_query {
    () => {
        concat!(
            "SELECT p.package, p.pending, t.expires_at, p.created_by, ",
            creator_columns!(),
            " FROM publisher_tokens t JOIN trusted_publishers p ON p.id = t.publisher_id WHERE t.id = $1"
        )
    };
}
/// Shares the locks of the publisher and its token, so that neither ends before our commit.
pub(super) const CALLER_PUBLISHER: &str = concat!(caller_publisher_query!(), " FOR SHARE OF t, p");
pub(super) const CHECKED_PUBLISHER: &str = caller_publisher_query!();

const OF_PACKAGE: &str = concat!(
    "SELECT ",
    publisher_columns!(),
    " FROM trusted_publishers p WHERE p.package = $1 ORDER BY p.created_at, p.id"
);
const PENDING: &str = "SELECT count(*) FROM trusted_publishers WHERE created_by = $1 AND pending";
/// Whether the scope `$3` exists, and what the user `$1` is to the package `$4`.
const SEEN: &str = concat!(
    "SELECT ",
    rights_columns!(),
    ", EXISTS (SELECT 1 FROM scopes s WHERE s.name = $3), p.updated_at, p.trusted_only, k.id IS NOT NULL, k.expires_at, ",
    account_columns!(),
    " FROM (SELECT 1) one LEFT JOIN packages p ON p.name = $4 LEFT JOIN users u ON u.id = $1
      LEFT JOIN tokens k ON k.id = $5 AND k.user_id = $1 AND k.revoked_at IS NULL"
);
const CANDIDATES: &str = concat!(
    "SELECT ",
    publisher_columns!(),
    ", EXISTS (SELECT 1 FROM packages k WHERE k.name = p.package), ",
    creator_columns!(),
    " FROM trusted_publishers p
      WHERE p.issuer = $1 AND p.anchor = ANY($2) AND ($3::text IS NULL OR p.package = $3)
      ORDER BY p.created_at, p.id LIMIT $4 FOR NO KEY UPDATE OF p"
);
const USED: &str = "SELECT 1 FROM used_id_tokens WHERE digest = $1";
const HOLDER: &str = "SELECT t.id, t.publisher_id, t.name, t.expires_at, p.package
    FROM publisher_tokens t JOIN trusted_publishers p ON p.id = t.publisher_id
    WHERE t.secret = $1 AND t.expires_at > $2";
const FORGET_TOKENS: &str = "DELETE FROM publisher_tokens WHERE expires_at <= $1";
const FORGET_USED: &str = "DELETE FROM used_id_tokens WHERE expires_at <= $1";

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
pub(super) const ADD_TOKEN: &str =
    "INSERT INTO publisher_tokens (id, publisher_id, secret, name, expires_at) VALUES ($1, $2, $3, $4, $5)";
/// Of two at once the second ends in a unique violation, and starts again.
pub(super) const USE_ID_TOKEN: &str = "INSERT INTO used_id_tokens (digest, expires_at) VALUES ($1, $2)";

#[async_trait]
impl PublisherStore for PostgresMetadata {
    async fn change_publisher(&self, command: &PublisherCommand) -> Result<Option<TrustedPublisher>> {
        let rows = Rows::of(&command.actor).and_package(&command.package);
        self.change(rows, |tx| async move {
            let facts = publisher_facts(&tx, &command.actor, &command.package).await?;
            apply(&tx, command.decide(&facts)?).await
        })
        .await
    }

    async fn publishers(&self, query: &PublisherQuery) -> Result<PackagePublishers> {
        self.read(|tx| async move { Ok(query.decide(&seen_facts(&tx, &query.actor, &query.package).await?)?) }).await
    }

    async fn exchange_token(&self, exchange: &TokenExchange) -> Result<TrustedPublisher> {
        self.write(|tx| async move {
            let facts = exchange_facts(&tx, exchange).await?;
            apply(&tx, exchange.decide(&facts)?).await
        })
        .await
    }

    async fn publisher_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<PublisherHolder>> {
        let (digest, now) = (secret.as_bytes().as_slice(), now.as_microsecond());
        self.read(|tx| async move {
            sql::first(&tx, HOLDER, [&digest, &now], |row| {
                let token = PublisherToken {
                    id: sql::id(row, 0)?,
                    publisher: sql::id(row, 1)?,
                    secret: *secret,
                    name: sql::text(row, 2)?,
                    expires_at: sql::instant(row, 3)?,
                };
                Ok(PublisherHolder { token, package: sql::parsed(row, 4)? })
            })
            .await
        })
        .await
    }

    async fn forget_publisher_tokens(&self, now: Timestamp) -> Result<()> {
        let now = now.as_microsecond();
        self.repeatable(|tx| async move {
            sql::run(&tx, FORGET_TOKENS, [&now]).await?;
            sql::run(&tx, FORGET_USED, [&now]).await.map(drop)
        })
        .await
    }
}

/// Locks the actor, the scope and the package.
async fn publisher_facts(tx: &Session, actor: &Actor, name: &PackageName) -> Tx<PublisherFacts> {
    let (access, scope_exists) = facts::locked_access(tx, actor, name).await?;
    let (publishers, pending_of_actor) = publishers_of(tx, actor, name).await?;
    Ok(PublisherFacts { access, scope_exists, publishers, pending_of_actor })
}

/// The same without locks.
async fn seen_facts(tx: &Session, actor: &Actor, name: &PackageName) -> Tx<PublisherFacts> {
    let user = Uuid::from(actor.user);
    let ((session, token), scope) = (credential(actor), name.scope_or_empty());
    let params: [&(dyn ToSql + Sync); 5] = [&user, &session, &scope, &name.as_str(), &token];
    let seen = sql::first(tx, SEEN, params, |row| facts::seen_access(row));
    let (access, scope_exists) = seen.await?.ok_or_else(|| Failure::Corrupt("a question without a row".into()))?;
    let (publishers, pending_of_actor) = publishers_of(tx, actor, name).await?;
    Ok(PublisherFacts { access, scope_exists, publishers, pending_of_actor })
}

async fn publishers_of(tx: &Session, actor: &Actor, name: &PackageName) -> Tx<(Vec<TrustedPublisher>, u64)> {
    let [of_package, pending] = tx.prepare([OF_PACKAGE, PENDING]).await?;
    let (name, user) = (name.as_str(), Uuid::from(actor.user));
    let (publishers, pending) = try_join!(tx.rows(&of_package, [&name]), tx.rows(&pending, [&user]))?;
    let pending = pending.first().map(|row| sql::unsigned(row, 0)).transpose()?.unwrap_or_default();
    Ok((publishers.iter().map(publisher).collect::<Tx<_>>()?, pending))
}

/// Locks the publishers that may match.
async fn exchange_facts(tx: &Session, exchange: &TokenExchange) -> Tx<TokenExchangeFacts> {
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
            publisher: publisher(row)?,
            package_exists: row.try_get(9)?,
            creator_is_enabled: row.try_get::<_, Option<bool>>(10)?.unwrap_or_default(),
            creator_role: facts::role(row, 11)?,
        })
    };
    Ok(TokenExchangeFacts { used: !used.is_empty(), candidates: candidates.iter().map(candidate).collect::<Tx<_>>()? })
}

/// The trusted publisher that acts, from the columns of [`CALLER_PUBLISHER`].
pub(super) fn caller_publisher(row: &Row) -> Tx<CallerPublisher> {
    Ok(CallerPublisher {
        package: sql::parsed(row, 0)?,
        pending: row.try_get(1)?,
        expires_at: sql::instant(row, 2)?,
        created_by: sql::id(row, 3)?,
        creator_is_enabled: row.try_get::<_, Option<bool>>(4)?.unwrap_or_default(),
        creator_role: facts::role(row, 5)?,
    })
}

fn publisher(row: &Row) -> Tx<TrustedPublisher> {
    Ok(TrustedPublisher {
        id: sql::id(row, 0)?,
        package: sql::parsed(row, 1)?,
        issuer: sql::coded(row, 2, columns::issuer)?,
        preset: sql::coded(row, 3, columns::preset)?,
        claims: sql::coded(row, 4, columns::claims)?,
        pinned: sql::coded(row, 5, columns::claims)?,
        pending: row.try_get(6)?,
        created_at: sql::instant(row, 7)?,
        created_by: sql::id(row, 8)?,
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
