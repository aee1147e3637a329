use aam_registry_core::{
    Result,
    decide::Audience,
    ports::ArchiveIndex,
    types::{ArchiveKey, ArchiveLocation, PackageName, RegistryId, Version, Visibility},
};
use async_trait::async_trait;
use rusqlite::{Connection, Row};

use super::{SqliteMetadata, failure::Tx, sql};
use crate::relational::{columns, predicates::version_is_in_reach};

/// What [`location`] reads.
const COLUMNS: &str = "p.name, v.version, v.archive, v.sha256, v.archive_size, p.private, v.status";

#[async_trait]
impl ArchiveIndex for SqliteMetadata {
    async fn archive_location(
        &self,
        name: &PackageName,
        version: &Version,
        audience: Audience,
    ) -> Result<Option<ArchiveLocation>> {
        let (name, version, reach) = (name.clone(), version.key(), audience.reach());
        self.read(move |tx| {
            let query = format!(
                "SELECT {COLUMNS} FROM packages p JOIN versions v ON v.package_id = p.id
                 WHERE p.name = ?1 AND v.version_key = ?2 AND (NOT p.private OR ?3) AND {}",
                version_is_in_reach!("v.", "?4")
            );
            let (private, every) = (reach.includes_private(), reach.includes_every_status());
            sql::first(tx, &query, (name.as_str(), version, private, every), location)
        })
        .await
    }

    async fn published_archives(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<ArchiveLocation>> {
        // No key is empty.
        let after = after.map_or_else(String::new, ToString::to_string);
        self.read(move |tx| {
            let query = format!(
                "SELECT {COLUMNS} FROM versions v JOIN packages p ON p.id = v.package_id
                 WHERE v.archive > ?1 AND v.status NOT LIKE '%removed' ORDER BY v.archive LIMIT ?2"
            );
            sql::all(tx, &query, (after, columns::limit(limit)), location)
        })
        .await
    }

    async fn unreferenced_archives(&self, keys: &[ArchiveKey]) -> Result<Vec<ArchiveKey>> {
        let mut keys = keys.to_vec();
        self.read(move |tx| {
            let mut failed = None;
            keys.retain(|key| {
                !is_referenced(tx, key).unwrap_or_else(|error| {
                    failed.get_or_insert(error);
                    true
                })
            });
            failed.map_or(Ok(keys), Err)
        })
        .await
    }

    async fn registry_id(&self) -> Result<RegistryId> {
        let id = self.read(|tx| {
            sql::first(tx, "SELECT registry_id FROM registry_identity WHERE id = 1", [], |row| sql::parsed(row, 0))
        });
        id.await?.ok_or_else(columns::no_registry_id)
    }
}

fn is_referenced(tx: &Connection, key: &ArchiveKey) -> Tx<bool> {
    let query = "SELECT 1 FROM versions WHERE archive = ?1 AND status NOT LIKE '%removed' UNION ALL SELECT 1 FROM uploads WHERE id = ?2";
    sql::exists(tx, query, (key.as_str(), key.upload_id().to_string()))
}

fn location(row: &Row<'_>) -> Tx<ArchiveLocation> {
    Ok(ArchiveLocation {
        package: sql::parsed(row, 0)?,
        version: sql::parsed(row, 1)?,
        archive: sql::parsed(row, 2)?,
        sha256: sql::digest(row, 3)?,
        size: sql::unsigned(row, 4)?,
        visibility: Visibility::of(row.get(5)?),
        status: sql::coded(row, 6, columns::version_status)?,
    })
}
