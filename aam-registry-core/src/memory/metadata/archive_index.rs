use std::collections::BTreeSet;

use async_trait::async_trait;

use super::MemoryMetadata;
use crate::{
    decide::Audience,
    error::Result,
    ports::ArchiveIndex,
    types::{ArchiveKey, ArchiveLocation, PackageName, RegistryId, Version},
};

#[async_trait]
impl ArchiveIndex for MemoryMetadata {
    async fn archive_location(
        &self,
        name: &PackageName,
        version: &Version,
        audience: Audience,
    ) -> Result<Option<ArchiveLocation>> {
        let tables = self.tables();
        Ok(tables.version(name, version, audience.reach()).map(|(package, stored)| package.location(stored)))
    }

    async fn published_archives(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<ArchiveLocation>> {
        let tables = self.tables();
        let packages = tables.packages.values();
        let versions = packages.flat_map(|package| package.versions.iter().map(move |version| (package, version)));
        let versions = versions.filter(|(_, version)| !version.status.is_removed());
        let wanted = versions.filter(|(_, version)| after.is_none_or(|after| version.archive > *after));
        let mut locations: Vec<_> = wanted.map(|(package, version)| package.location(version)).collect();
        locations.sort_unstable_by(|a, b| a.archive.cmp(&b.archive));
        locations.truncate(limit);
        Ok(locations)
    }

    async fn unreferenced_archives(&self, keys: &[ArchiveKey]) -> Result<Vec<ArchiveKey>> {
        let tables = self.tables();
        let versions = tables.packages.values().flat_map(|package| &package.versions);
        let versions = versions.filter(|version| !version.status.is_removed());
        let referenced: BTreeSet<_> = versions
            .map(|version| version.archive.clone())
            .chain(tables.uploads.keys().map(|upload| ArchiveKey::from(*upload)))
            .collect();
        Ok(keys.iter().filter(|key| !referenced.contains(*key)).cloned().collect())
    }

    async fn registry_id(&self) -> Result<RegistryId> {
        Ok(self.registry_id)
    }
}
