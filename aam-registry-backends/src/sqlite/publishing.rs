use std::time::Duration;

use aam_registry_core::{
    Error, Result,
    ports::{Clock, PublishCheck, PublishCommit, PublishStore, Published, SystemClock},
    types::{Action, Actor, ArchiveKey, NewUpload, PackageName, ScopeName, Upload, UploadId, Version},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    SqliteMetadata,
    access::{self, Caller},
    audit,
    failure::Tx,
    listing,
    packages::{self, PackageId},
    scopes, sql, tags,
    versions::VersionId,
};
use crate::relational::{columns, refusals};

#[async_trait]
impl PublishStore for SqliteMetadata {
    async fn begin_upload(&self, upload: &NewUpload) -> Result<()> {
        let upload = upload.clone();
        self.write(move |tx| {
            sql::run(
                tx,
                "INSERT INTO uploads (id, user_id, started_at, lease_until) VALUES (?1, ?2, ?3, ?4)",
                (upload.id.to_string(), upload.user.to_string(), now(), now().saturating_add(micros(upload.lease))),
            )?;
            Ok(())
        })
        .await
    }

    async fn renew_upload(&self, id: UploadId, lease: Duration) -> Result<bool> {
        self.write(move |tx| {
            let renew = "UPDATE uploads SET lease_until = ?2 WHERE id = ?1 AND abandoned_at IS NULL";
            Ok(sql::run(tx, renew, (id.to_string(), now().saturating_add(micros(lease))))? > 0)
        })
        .await
    }

    async fn check_publish(&self, check: &PublishCheck) -> Result<()> {
        let PublishCheck { actor, package, version, now } = check.clone();
        self.read(move |tx| authorise(tx, &actor, &package, &version, now).map(drop)).await
    }

    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published> {
        let commit = commit.clone();
        self.write(move |tx| publish(tx, commit)).await
    }

    async fn abandon_uploads(&self, limit: usize) -> Result<usize> {
        let now = now();
        let ended =
            "SELECT id FROM uploads WHERE abandoned_at IS NULL AND lease_until <= ?1 ORDER BY lease_until LIMIT ?2";
        // Most of the time there is none, and nothing to sync a disk for.
        if !self.read(move |tx| sql::exists(tx, ended, (now, 1))).await? {
            return Ok(0);
        }
        self.write(move |tx| {
            let abandon = format!("UPDATE uploads SET abandoned_at = ?1 WHERE id IN ({ended})");
            sql::run(tx, &abandon, (now, columns::limit(limit)))
        })
        .await
    }

    async fn abandoned_uploads(&self, ago: Duration, limit: usize) -> Result<Vec<Upload>> {
        let before = now().saturating_sub(micros(ago));
        let query = "SELECT id, abandoned_at FROM uploads WHERE abandoned_at <= ?1 ORDER BY abandoned_at, id LIMIT ?2";
        self.read(move |tx| {
            sql::all(tx, query, (before, columns::limit(limit)), |row| {
                let id: UploadId = sql::parsed(row, 0)?;
                Ok(Upload { id, archive: ArchiveKey::from(id), abandoned_at: sql::instant(row, 1)? })
            })
        })
        .await
    }

    async fn forget_upload(&self, id: UploadId) -> Result<()> {
        self.write(move |tx| {
            sql::run(tx, "DELETE FROM uploads WHERE id = ?1 AND abandoned_at IS NOT NULL", [id.to_string()])?;
            Ok(())
        })
        .await
    }
}

/// The clock of the database, which is that of the machine, in microseconds since 1970.
fn now() -> i64 {
    SystemClock.now().as_microsecond()
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Requires that `actor` may publish that version now; gives the package, where there is one already.
fn authorise(
    tx: &Connection,
    actor: &Actor,
    name: &PackageName,
    version: &Version,
    now: Timestamp,
) -> Tx<(Caller, Option<PackageId>)> {
    let caller = access::require_live(tx, actor, now)?;
    let package = packages::find(tx, name)?;
    if let Some(scope) = name.scope()
        && !scopes::exists(tx, &scope)?
    {
        return Err(refusals::no_such_scope_to_publish_to(&scope).into());
    }
    caller.package_rights(tx, package, name)?.require_publish(name, package.is_some())?;
    match package {
        Some(package) => require_unpublished(tx, package, name, version)?,
        None if name.scope().is_none() => require_distinct(tx, name)?,
        None => {}
    }
    Ok((caller, package))
}

fn require_unpublished(tx: &Connection, package: PackageId, name: &PackageName, version: &Version) -> Tx<()> {
    let query = "SELECT version, sha256 FROM versions WHERE package_id = ?1 AND version_key = ?2";
    let published = sql::first(tx, query, (package, version.key()), |row| {
        Ok(Error::VersionExists { package: name.clone(), version: sql::parsed(row, 0)?, sha256: sql::digest(row, 1)? })
    })?;
    published.map_or(Ok(()), |exists| Err(exists.into()))
}

fn require_distinct(tx: &Connection, name: &PackageName) -> Tx<()> {
    let query = "SELECT name FROM packages WHERE similarity_key = ?1";
    let similar = sql::first(tx, query, [name.similarity_key()], |row| {
        Ok(Error::NameTooSimilar { name: name.clone(), existing: sql::parsed(row, 0)? })
    })?;
    similar.map_or(Ok(()), |similar| Err(similar.into()))
}

fn publish(tx: &Connection, mut commit: PublishCommit) -> Tx<Published> {
    let (caller, package) = authorise(tx, &commit.actor, &commit.manifest.name, &commit.manifest.version, commit.now)?;
    if let Some(package) = package {
        commit.now = packages::now_of(tx, package, commit.now)?;
    }
    let name = &commit.manifest.name;
    let consumed = sql::run(
        tx,
        "DELETE FROM uploads WHERE id = ?1 AND user_id = ?2 AND abandoned_at IS NULL",
        (commit.upload.to_string(), &caller.user),
    )?;
    if consumed == 0 {
        return Err(Error::upload_ended().into());
    }
    if let (Some(tag), Some(id)) = (&commit.tag, package)
        && tags::exists(tx, id, tag)?
    {
        caller.package_rights(tx, package, name)?.require(Action::Tag, name)?;
    }
    let package = match package {
        Some(package) => package,
        None => claim(tx, name, &caller, commit.now)?,
    };
    let version = insert(tx, package, &caller, &commit)?;
    tags::recompute_latest(tx, package, commit.latest_policy)?;
    match &commit.tag {
        Some(tag) if tag.is_latest() => {
            tags::set_latest(tx, package, &commit.manifest.version)?;
        }
        Some(tag) => {
            tags::set(tx, package, tag, version)?;
        }
        None => {}
    }
    listing::touch(tx, package, commit.now)?;
    audit::append(tx, &commit.audit)?;
    Ok(Published { published_at: commit.now, dist_tags: tags::of_version(tx, version)? })
}

/// Makes a package; of an unscoped one the caller becomes the owner.
fn claim(tx: &Connection, name: &PackageName, caller: &Caller, now: Timestamp) -> Tx<PackageId> {
    let scope = name.scope();
    let similarity_key = scope.is_none().then(|| name.similarity_key());
    sql::run(
        tx,
        "INSERT INTO packages (name, scope, similarity_key, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        (name.as_str(), scope.as_ref().map(ScopeName::as_str), similarity_key, now.as_microsecond()),
    )?;
    let package = tx.last_insert_rowid();
    if scope.is_none() {
        let insert = "INSERT INTO package_owners (package_id, user_id) VALUES (?1, ?2)";
        sql::run(tx, insert, (package, &caller.user))?;
    }
    sql::run(tx, "UPDATE registry_totals SET packages = packages + 1", [])?;
    Ok(package)
}

fn insert(tx: &Connection, package: PackageId, caller: &Caller, commit: &PublishCommit) -> Tx<VersionId> {
    let manifest = &commit.manifest;
    let archive_size = columns::signed(commit.archive_size);
    sql::run(
        tx,
        "INSERT INTO versions (package_id, version, version_key, published_at, published_by, sha256, archive,
                               archive_size, dependencies)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            package,
            manifest.version.to_string(),
            manifest.version.key(),
            commit.now.as_microsecond(),
            &caller.user,
            commit.sha256.as_bytes(),
            commit.archive.as_str(),
            archive_size,
            columns::dependencies_text(&manifest.dependencies)?,
        ),
    )?;
    let version = tx.last_insert_rowid();
    sql::run(
        tx,
        "INSERT INTO manifests (version_id, document) VALUES (?1, ?2)",
        (version, serde_json::to_string(&manifest.document)?),
    )?;
    sql::run(
        tx,
        "INSERT INTO contents (version_id, files, readme) VALUES (?1, ?2, ?3)",
        (version, columns::files_text(&commit.files)?, &commit.readme),
    )?;
    let add = "UPDATE registry_totals SET versions = versions + 1, storage_bytes = storage_bytes + ?1";
    sql::run(tx, add, [archive_size])?;
    Ok(version)
}
