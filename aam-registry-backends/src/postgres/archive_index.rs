use aam_registry_core::{
    Result,
    decide::Audience,
    ports::ArchiveIndex,
    types::{ArchiveKey, ArchiveLocation, PackageName, RegistryId, Version, Visibility},
};
use async_trait::async_trait;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    failure::Tx,
    sql,
    versions::{of_name_and_key, of_name_and_key_in_reach},
};
use crate::relational::columns;

const LOCATION: &str = concat!(
    "SELECT p.name, v.version, v.archive, v.sha256, v.archive_size, p.private, v.status",
    of_name_and_key_in_reach!()
);
const LOCATIONS: &str = "SELECT p.name, v.version, v.archive, v.sha256, v.archive_size, p.private, v.status
    FROM versions v JOIN packages p ON p.id = v.package_id
    WHERE v.archive > $1 AND v.status NOT LIKE '%removed' ORDER BY v.archive LIMIT $2";
const UNREFERENCED: &str =
    "SELECT k.archive FROM unnest($1::text[], $2::uuid[]) WITH ORDINALITY k (archive, upload, at)
    WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE v.archive = k.archive AND v.status NOT LIKE '%removed')
    AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.id = k.upload) ORDER BY k.at";

#[async_trait]
impl ArchiveIndex for PostgresMetadata {
    async fn archive_location(
        &self,
        name: &PackageName,
        version: &Version,
        audience: Audience,
    ) -> Result<Option<ArchiveLocation>> {
        let (name, key, reach) = (name.as_str(), &version.key(), audience.reach());
        let (private, every) = (reach.includes_private(), reach.includes_every_status());
        self.read(|tx| async move { sql::first(&tx, LOCATION, [&name, key, &private, &every], location).await }).await
    }

    async fn published_archives(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<ArchiveLocation>> {
        // No key is empty.
        let after = after.map_or("", ArchiveKey::as_str);
        let limit = columns::limit(limit);
        self.read(|tx| async move { sql::all(&tx, LOCATIONS, [&after, &limit], location).await }).await
    }

    async fn unreferenced_archives(&self, keys: &[ArchiveKey]) -> Result<Vec<ArchiveKey>> {
        let archives: &Vec<_> = &keys.iter().map(ArchiveKey::as_str).collect();
        let uploads: &Vec<_> = &keys.iter().map(|key| Uuid::from(key.upload_id())).collect();
        self.read(|tx| async move { sql::all(&tx, UNREFERENCED, [archives, uploads], |row| sql::parsed(row, 0)).await })
            .await
    }

    async fn registry_id(&self) -> Result<RegistryId> {
        let id = self.read(|tx| async move {
            sql::first(&tx, "SELECT registry_id FROM registry_identity WHERE id = 1", [], |row| sql::id(row, 0)).await
        });
        id.await?.ok_or_else(columns::no_registry_id)
    }
}

fn location(row: &Row) -> Tx<ArchiveLocation> {
    Ok(ArchiveLocation {
        package: sql::parsed(row, 0)?,
        version: sql::parsed(row, 1)?,
        archive: sql::parsed(row, 2)?,
        sha256: sql::digest(row, 3)?,
        size: sql::unsigned(row, 4)?,
        visibility: Visibility::of(row.try_get(5)?),
        status: sql::coded(row, 6, columns::version_status)?,
    })
}
