use std::time::Duration;

use aam_registry_core::{
    Result,
    decide::{PublishCheck, PublishCommit, PublishFacts, Published},
    ports::PublishStore,
    types::{ArchiveKey, NewUpload, Upload, UploadId},
};
use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    SqliteMetadata,
    apply::apply,
    evals, facts,
    failure::Tx,
    sql::{self, now},
};
use crate::relational::columns;

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
        let check = check.clone();
        self.read(move |tx| {
            let (mut facts, package) = facts::publish(tx, &check.actor, &check.package, &check.version)?;
            facts.usage = facts::usage(tx, check.quotas, &check.package, package)?;
            Ok(check.decide(&facts)?)
        })
        .await
    }

    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published> {
        let commit = commit.clone();
        self.write(move |tx| {
            let facts = commit_facts(tx, &commit)?;
            apply(tx, commit.decide(&facts)?)
        })
        .await
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

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// What a commit is decided by.
fn commit_facts(tx: &Connection, commit: &PublishCommit) -> Tx<PublishFacts> {
    let (name, version) = (&commit.manifest.name, &commit.manifest.version);
    let (mut facts, package) = facts::publish(tx, &commit.actor, name, version)?;
    let live = "SELECT 1 FROM uploads WHERE id = ?1 AND user_id = ?2 AND abandoned_at IS NULL";
    facts.upload_is_live = sql::exists(tx, live, (commit.upload.to_string(), commit.actor.user.to_string()))?;
    facts.usage = facts::usage(tx, commit.quotas, name, package)?;
    if let Some(package) = package {
        facts.latest = facts::latest(tx, package)?;
        if let Some(tag) = &commit.tag {
            let set = "SELECT 1 FROM dist_tags WHERE package_id = ?1 AND tag = ?2";
            facts.tag_is_set = sql::exists(tx, set, (package, tag.as_str()))?;
            facts.gates = evals::gates(tx, package)?;
            facts.tag_count = facts::tag_count(tx, package)?;
        }
    }
    Ok(facts)
}
