use std::time::Duration;

use aam_registry_core::{
    Result,
    decide::{CallerFacts, CallerToken, PackageAccess, PublishCheck, PublishCommit, PublishFacts, Published},
    ports::PublishStore,
    types::{ArchiveKey, NewUpload, Upload, UploadId},
};
use async_trait::async_trait;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    admission::Rows,
    apply::{apply, prepare_publish},
    connection::Session,
    facts::{self, account_columns},
    failure::{Failure, Tx},
    publish::{commit_facts, existing, similarity_key, usage},
    publisher_tokens::{CHECKED_PUBLISHER, caller_publisher},
    sql::{self, now},
};
use crate::relational::{columns, predicates::has_open_version};

const BEGIN: &str = concat!(
    "INSERT INTO uploads (id, user_id, started_at, lease_until) VALUES ($1, $2, ",
    now!(),
    ", ",
    now!(),
    " + $3) ON CONFLICT (id) DO NOTHING"
);
const RENEW: &str =
    concat!("UPDATE uploads SET lease_until = ", now!(), " + $2 WHERE id = $1 AND abandoned_at IS NULL");
/// In order, so that it takes the index: it reads the live ones to the end where it takes them as they come.
const ANY_LAPSED: &str = concat!(
    "SELECT 1 FROM uploads WHERE abandoned_at IS NULL AND lease_until <= ",
    now!(),
    " ORDER BY lease_until LIMIT 1"
);
/// An upload that is locked is being renewed, committed or abandoned by somebody else.
const ABANDON: &str = concat!(
    "UPDATE uploads SET abandoned_at = ",
    now!(),
    " WHERE id = ANY (ARRAY (
        SELECT id FROM uploads WHERE abandoned_at IS NULL AND lease_until <= ",
    now!(),
    " ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED
    ))"
);
const ABANDONED: &str = concat!(
    "SELECT id, abandoned_at FROM uploads WHERE abandoned_at <= ",
    now!(),
    " - $1 ORDER BY abandoned_at, id LIMIT $2"
);
const FORGET: &str = "DELETE FROM uploads WHERE id = $1 AND abandoned_at IS NOT NULL";

/// All that a check asks, without a lock.
const CHECK: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", EXISTS (SELECT 1 FROM revoked_sessions r WHERE r.user_id = $1 AND r.id = $2),
        EXISTS (SELECT 1 FROM package_owners o WHERE o.package_id = p.id AND o.user_id = $1),
        (SELECT m.role FROM scope_members m WHERE m.scope = $5 AND m.user_id = $1),
        k.id IS NOT NULL, k.expires_at, EXISTS (SELECT 1 FROM scopes s WHERE s.name = $5),
        p.updated_at, p.private, p.trusted_only, ",
    has_open_version!("p."),
    ", (SELECT q.name FROM packages q WHERE q.similarity_key = $7), v.version, v.sha256, v.status,
        EXISTS (SELECT 1 FROM scopes s WHERE s.name = $5 AND s.require_2fa)
    FROM (SELECT 1) one LEFT JOIN users u ON u.id = $1
        LEFT JOIN tokens k ON k.id = $3 AND k.user_id = $1 AND k.revoked_at IS NULL
        LEFT JOIN packages p ON p.name = $4
        LEFT JOIN versions v ON v.package_id = p.id AND v.version_key = $6"
);

#[async_trait]
impl PublishStore for PostgresMetadata {
    async fn begin_upload(&self, upload: &NewUpload) -> Result<()> {
        let (id, user) = (Uuid::from(upload.id), Uuid::from(upload.user));
        let lease = sql::micros(upload.lease);
        self.repeatable(|tx| async move {
            sql::run(&tx, BEGIN, [&id, &user, &lease]).await?;
            Ok(())
        })
        .await
    }

    async fn renew_upload(&self, id: UploadId, lease: Duration) -> Result<bool> {
        let (id, lease) = (Uuid::from(id), sql::micros(lease));
        self.repeatable(|tx| async move { Ok(sql::run(&tx, RENEW, [&id, &lease]).await? > 0) }).await
    }

    async fn check_publish(&self, check: &PublishCheck) -> Result<()> {
        self.read(|tx| async move {
            let usage = usage(&tx, check.quotas, &check.package).await?;
            Ok(check.decide(&PublishFacts { usage, ..check_facts(&tx, check).await? })?)
        })
        .await
    }

    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published> {
        let rows = Rows::of(&commit.actor).and_package(&commit.manifest.name);
        self.change(rows, |tx| async move {
            prepare_publish(&tx).await?;
            let facts = commit_facts(&tx, commit).await?;
            apply(&tx, commit.decide(&facts)?).await
        })
        .await
    }

    async fn abandon_uploads(&self, limit: usize) -> Result<usize> {
        let limit = columns::limit(limit);
        // Most of the time there is none.
        if !self.read(|tx| async move { sql::exists(&tx, ANY_LAPSED, []).await }).await? {
            return Ok(0);
        }
        let abandoned = self.repeatable(|tx| async move { sql::run(&tx, ABANDON, [&limit]).await }).await?;
        Ok(usize::try_from(abandoned).unwrap_or(usize::MAX))
    }

    async fn abandoned_uploads(&self, ago: Duration, limit: usize) -> Result<Vec<Upload>> {
        let (ago, limit) = (sql::micros(ago), columns::limit(limit));
        self.read(|tx| async move {
            sql::all(&tx, ABANDONED, [&ago, &limit], |row| {
                let id: UploadId = sql::id(row, 0)?;
                Ok(Upload { id, archive: ArchiveKey::from(id), abandoned_at: sql::instant(row, 1)? })
            })
            .await
        })
        .await
    }

    async fn forget_upload(&self, id: UploadId) -> Result<()> {
        self.repeatable(|tx| async move {
            sql::run(&tx, FORGET, [&Uuid::from(id)]).await?;
            Ok(())
        })
        .await
    }
}

async fn check_facts(tx: &Session, check: &PublishCheck) -> Tx<PublishFacts> {
    let PublishCheck { actor, package: name, version, .. } = check;
    let user = Uuid::from(actor.user);
    let (session, token) = facts::credential(actor);
    let (scope, key, similarity_key) = (name.scope_or_empty(), version.key(), similarity_key(name));
    let params: [&(dyn ToSql + Sync); 7] = [&user, &session, &token, &name.as_str(), &scope, &key, &similarity_key];
    let publisher = match facts::publisher_token(actor) {
        Some(token) => sql::first(tx, CHECKED_PUBLISHER, [&token], caller_publisher).await?,
        None => None,
    };
    let facts = sql::first(tx, CHECK, params, |row| {
        const NEXT: usize = facts::ACCOUNT_COLUMNS;
        let expires_at = sql::optional_instant(row, NEXT + 4)?;
        let token = row.try_get::<_, bool>(NEXT + 3)?.then_some(CallerToken { expires_at });
        let (account, session_revoked) = (facts::account(row, 0)?, row.try_get(NEXT)?);
        let caller = CallerFacts { account, session_revoked, token, publisher: publisher.clone() };
        let exists = sql::optional_instant(row, NEXT + 6)?.is_some();
        let package = exists.then(|| facts::package_state(row, NEXT + 6)).transpose()?;
        let similar: Option<&str> = row.try_get(NEXT + 10)?;
        let (package_owner, scope_role) = (row.try_get(NEXT + 1)?, facts::role(row, NEXT + 2)?);
        Ok(PublishFacts {
            access: PackageAccess {
                caller,
                package_owner,
                scope_role,
                scope_requires_2fa: row.try_get(NEXT + 14)?,
                package,
            },
            scope_exists: row.try_get(NEXT + 5)?,
            similar: similar.map(str::parse).transpose()?,
            existing: existing(row, NEXT + 11)?,
            ..PublishFacts::default()
        })
    });
    facts.await?.ok_or_else(|| Failure::Corrupt("a check without a row".into()))
}
