use std::time::Duration;

use aam_registry_core::{
    Error, Result,
    ports::{PublishCheck, PublishCommit, PublishStore, Published},
    types::{ArchiveKey, NewUpload, PackageName, Rights, Upload, UploadId},
};
use async_trait::async_trait;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    PostgresMetadata,
    access::{self, Caller, account_columns},
    admission::Rows,
    commit::publish,
    connection::Session,
    failure::Tx,
    packages::PackageId,
    sql::{self, now},
};
use crate::relational::{columns, refusals};

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
        EXISTS (SELECT 1 FROM tokens t WHERE t.id = $3 AND t.user_id = $1 AND t.revoked_at IS NULL
                AND (t.expires_at IS NULL OR t.expires_at > $4)),
        EXISTS (SELECT 1 FROM scopes s WHERE s.name = $6),
        EXISTS (SELECT 1 FROM package_owners o WHERE o.package_id = p.id AND o.user_id = $1),
        (SELECT m.role FROM scope_members m WHERE m.scope = $6 AND m.user_id = $1),
        p.id, (SELECT q.name FROM packages q WHERE q.similarity_key = $8), v.version, v.sha256
    FROM (SELECT 1) one LEFT JOIN users u ON u.id = $1 LEFT JOIN packages p ON p.name = $5
        LEFT JOIN versions v ON v.package_id = p.id AND v.version_key = $7"
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
        self.read(|tx| async move { check_publish(&tx, check).await }).await
    }

    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published> {
        let rows = Rows::of(&commit.actor).and_package(&commit.manifest.name);
        self.change(rows, |tx| async move { publish(&tx, commit).await }).await
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

/// What may keep a caller from publishing a version.
pub(super) struct Obstacles {
    pub(super) rights: Rights,
    pub(super) scope_exists: bool,
    pub(super) package_exists: bool,
    pub(super) published: Option<Error>,
    pub(super) similar: Option<Error>,
}

impl Obstacles {
    pub(super) fn require_none(self, name: &PackageName) -> Tx<()> {
        if let Some(scope) = name.scope()
            && !self.scope_exists
        {
            return Err(refusals::no_such_scope_to_publish_to(&scope).into());
        }
        self.rights.require_publish(name, self.package_exists)?;
        let obstacle = if self.package_exists { self.published } else { self.similar };
        obstacle.map_or(Ok(()), |obstacle| Err(obstacle.into()))
    }
}

/// The error of a version that was published, out of the two columns that start at `at`; `None` where they are null.
pub(super) fn version_exists(row: &Row, at: usize, name: &PackageName) -> Tx<Option<Error>> {
    let Some(version) = row.try_get::<_, Option<&str>>(at)? else { return Ok(None) };
    let (package, version, sha256) = (name.clone(), version.parse()?, sql::digest(row, at + 1)?);
    Ok(Some(Error::VersionExists { package, version, sha256 }))
}

/// The error of a name too similar to that in the column `at`; `None` where it is null.
pub(super) fn too_similar(row: &Row, at: usize, name: &PackageName) -> Tx<Option<Error>> {
    let Some(existing) = row.try_get::<_, Option<&str>>(at)? else { return Ok(None) };
    Ok(Some(Error::NameTooSimilar { name: name.clone(), existing: existing.parse()? }))
}

/// What an unscoped package's name is too similar by.
pub(super) fn similarity_key(name: &PackageName) -> Option<String> {
    name.scope().is_none().then(|| name.similarity_key())
}

async fn check_publish(tx: &Session, check: &PublishCheck) -> Tx<()> {
    let PublishCheck { actor, package: name, version, now } = check;
    let (user, moment) = (Uuid::from(actor.user), now.as_microsecond());
    let (session, token) = access::credential(actor);
    let (scope, key, similarity_key) = (name.scope_or_empty(), version.key(), similarity_key(name));
    let params: [&(dyn ToSql + Sync); 8] =
        [&user, &session, &token, &moment, &name.as_str(), &scope, &key, &similarity_key];
    let obstacles = sql::first(tx, CHECK, params, |row| {
        let alive = access::is_alive(actor, row.try_get(4)?, row.try_get(5)?, *now);
        let caller = Caller::new(actor, access::account(row, 0, actor)?, alive)?;
        let role: Option<&str> = row.try_get(8)?;
        Ok(Obstacles {
            rights: caller.rights(row.try_get(7)?, role.map(columns::role).transpose()?),
            scope_exists: row.try_get(6)?,
            package_exists: row.try_get::<_, Option<PackageId>>(9)?.is_some(),
            similar: too_similar(row, 10, name)?,
            published: version_exists(row, 11, name)?,
        })
    });
    obstacles.await?.map_or(Ok(()), |obstacles| obstacles.require_none(name))
}
