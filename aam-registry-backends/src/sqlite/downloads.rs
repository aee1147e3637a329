use aam_registry_core::{
    Result,
    ports::DownloadStore,
    types::{DayDownloads, DownloadBatch, DownloadQuery, Version},
};
use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    SqliteMetadata,
    failure::{Failure, Tx},
    ids::VersionId,
    listing::next_change,
    sql,
};
use crate::relational::{columns, downloads::BATCH_REMEMBERED};

#[async_trait]
impl DownloadStore for SqliteMetadata {
    async fn add_downloads(&self, batch: &DownloadBatch) -> Result<()> {
        if batch.counts.is_empty() {
            return Ok(());
        }
        let batch = batch.clone();
        self.write(move |tx| add(tx, &batch)).await
    }

    async fn refresh_totals(&self) -> Result<()> {
        // Most of the time nothing was downloaded, and there is nothing to sync a disk for.
        let any = self.read(|tx| sql::exists(tx, "SELECT 1 FROM pending_downloads", [])).await?;
        if any { self.write(refresh).await } else { Ok(()) }
    }

    async fn downloads(&self, query: &DownloadQuery) -> Result<DayDownloads> {
        let query = query.clone();
        self.read_document(move |tx| downloads(tx, &query)).await
    }
}

fn add(tx: &Connection, batch: &DownloadBatch) -> Tx<()> {
    let insert = "INSERT INTO download_batches (id, gathered_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let gathered_at = batch.gathered_at.as_microsecond();
    if sql::run(tx, insert, (batch.id.to_string(), gathered_at))? == 0 {
        return Ok(());
    }
    let forgotten = gathered_at - i64::try_from(BATCH_REMEMBERED.as_micros()).unwrap_or(i64::MAX);
    sql::run(tx, "DELETE FROM download_batches WHERE gathered_at < ?1", [forgotten])?;
    for count in &batch.counts {
        let find = "SELECT v.id FROM packages p JOIN versions v ON v.package_id = p.id
                    WHERE p.name = ?1 AND v.version_key = ?2";
        let found = sql::first(tx, find, (count.package.as_str(), count.version.key()), sql::value::<VersionId>)?;
        let Some(version) = found else { continue };
        let downloads = columns::signed(count.count);
        sql::run(
            tx,
            "INSERT INTO download_days (version_id, day, downloads) VALUES (?1, ?2, ?3)
             ON CONFLICT (version_id, day) DO UPDATE SET downloads = downloads + excluded.downloads",
            (version, count.day.to_string(), downloads),
        )?;
        sql::run(
            tx,
            "INSERT INTO pending_downloads (version_id, downloads) VALUES (?1, ?2)
             ON CONFLICT (version_id) DO UPDATE SET downloads = downloads + excluded.downloads",
            (version, downloads),
        )?;
    }
    Ok(())
}

fn refresh(tx: &Connection) -> Tx<()> {
    let pending: Vec<(VersionId, i64)> =
        sql::all(tx, "SELECT version_id, downloads FROM pending_downloads", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (version, downloads) in pending {
        sql::run(tx, "UPDATE versions SET downloads = downloads + ?2 WHERE id = ?1", (version, downloads))?;
        let package = sql::first(
            tx,
            "UPDATE packages SET downloads = downloads + ?2
             WHERE id = (SELECT package_id FROM versions WHERE id = ?1) RETURNING id, downloads",
            (version, downloads),
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )?;
        if let Some((package, downloads)) = package {
            sql::run(
                tx,
                concat!("UPDATE listings SET downloads = ?2, change = ", next_change!(), " WHERE package_id = ?1"),
                (package, downloads),
            )?;
        }
    }
    let total = "UPDATE registry_totals SET downloads = downloads + (SELECT sum(downloads) FROM pending_downloads)
                 WHERE EXISTS (SELECT 1 FROM pending_downloads)";
    sql::run(tx, total, [])?;
    sql::run(tx, "DELETE FROM pending_downloads", [])?;
    Ok(())
}

fn downloads(tx: &Connection, query: &DownloadQuery) -> Tx<DayDownloads> {
    let sum = "SELECT d.day, sum(d.downloads) FROM packages p JOIN versions v ON v.package_id = p.id
               JOIN download_days d ON d.version_id = v.id
               WHERE p.name = ?1 AND (?2 IS NULL OR v.version_key = ?2) AND d.day BETWEEN ?3 AND ?4 GROUP BY d.day";
    let version = query.version.as_ref().map(Version::key);
    sql::all(tx, sum, (query.package.as_str(), version, query.from.to_string(), query.to.to_string()), |row| {
        let day: String = row.get(0)?;
        let day = day.parse().map_err(|_| Failure::Corrupt(format!("day `{day}`")))?;
        Ok((day, sql::unsigned(row, 1)?))
    })
}
