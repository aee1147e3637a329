use aam_registry_core::{
    Result,
    ports::DownloadStore,
    types::{DayDownloads, DownloadBatch, DownloadQuery, Version},
};
use async_trait::async_trait;
use uuid::Uuid;

use super::{PostgresMetadata, sql, totals};
use crate::relational::columns;

/// Adds a batch, once. Rows are made and locked in the order of versions and
/// days by all who add, so that none of them waits for one that waits for it.
const ADD: &str = "WITH batch AS (
        INSERT INTO download_batches (id, gathered_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id
    ), counts AS MATERIALIZED (
        SELECT v.id AS version_id, DATE '1970-01-01' + c.day AS day, sum(c.downloads)::bigint AS downloads
        FROM batch, unnest($3::text[], $4::text[], $5::int[], $6::bigint[]) c (package, version_key, day, downloads)
        JOIN packages p ON p.name = c.package JOIN versions v ON v.package_id = p.id AND v.version_key = c.version_key
        GROUP BY 1, 2
    ), days AS (
        INSERT INTO download_days AS d (version_id, day, downloads)
        SELECT version_id, day, downloads FROM counts ORDER BY version_id, day
        ON CONFLICT (version_id, day) DO UPDATE SET downloads = d.downloads + excluded.downloads
    )
    INSERT INTO pending_downloads AS p (version_id, downloads)
    SELECT version_id, sum(downloads)::bigint FROM counts GROUP BY version_id ORDER BY version_id
    ON CONFLICT (version_id) DO UPDATE SET downloads = p.downloads + excluded.downloads";
const BY_DAY: &str = "SELECT d.day - DATE '1970-01-01', sum(d.downloads)::bigint
    FROM packages p JOIN versions v ON v.package_id = p.id JOIN download_days d ON d.version_id = v.id
    WHERE p.name = $1 AND ($2::text IS NULL OR v.version_key = $2)
    AND d.day BETWEEN DATE '1970-01-01' + $3::int AND DATE '1970-01-01' + $4::int GROUP BY d.day";

#[async_trait]
impl DownloadStore for PostgresMetadata {
    async fn add_downloads(&self, batch: &DownloadBatch) -> Result<()> {
        if batch.counts.is_empty() {
            return Ok(());
        }
        let (id, gathered_at) = (Uuid::from(batch.id), batch.gathered_at.as_microsecond());
        let packages: &Vec<_> = &batch.counts.iter().map(|count| count.package.as_str()).collect();
        let versions: &Vec<_> = &batch.counts.iter().map(|count| count.version.key()).collect();
        let days: &Vec<_> = &batch.counts.iter().map(|count| sql::day_number(count.day)).collect();
        let counts: &Vec<_> = &batch.counts.iter().map(|count| columns::signed(count.count)).collect();
        self.repeatable(|tx| async move {
            sql::run(&tx, ADD, [&id, &gathered_at, packages, versions, days, counts]).await?;
            Ok(())
        })
        .await
    }

    async fn refresh_totals(&self) -> Result<()> {
        totals::refresh(self).await
    }

    async fn downloads(&self, query: &DownloadQuery) -> Result<DayDownloads> {
        let version = &query.version.as_ref().map(Version::key);
        let (from, to) = (sql::day_number(query.from), sql::day_number(query.to));
        self.lagging(|tx| async move {
            sql::all(&tx, BY_DAY, [&query.package.as_str(), version, &from, &to], |row| {
                Ok((sql::day(row, 0)?, sql::unsigned(row, 1)?))
            })
            .await
        })
        .await
    }
}
