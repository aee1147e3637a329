use async_trait::async_trait;

use super::MemoryMetadata;
use crate::{
    error::Result,
    ports::DownloadStore,
    types::{DayDownloads, DownloadBatch, DownloadQuery},
};

#[async_trait]
impl DownloadStore for MemoryMetadata {
    async fn add_downloads(&self, batch: &DownloadBatch) -> Result<()> {
        let mut tables = self.tables();
        if !tables.download_batches.insert(batch.id) {
            return Ok(());
        }
        for count in &batch.counts {
            let package = tables.packages.get_mut(&count.package);
            let mut versions = package.into_iter().flat_map(|package| &mut package.versions);
            if let Some(version) = versions.find(|one| one.manifest.version == count.version) {
                *version.days.entry(count.day).or_default() += count.count;
            }
        }
        Ok(())
    }

    async fn refresh_totals(&self) -> Result<()> {
        for version in self.tables().packages.values_mut().flat_map(|package| &mut package.versions) {
            version.downloads = version.dropped_downloads + version.days.values().sum::<u64>();
        }
        Ok(())
    }

    async fn downloads(&self, query: &DownloadQuery) -> Result<DayDownloads> {
        let tables = self.tables();
        let versions = tables.packages.get(&query.package).into_iter().flat_map(|package| &package.versions);
        let wanted = versions.filter(|one| query.version.as_ref().is_none_or(|wanted| one.manifest.version == *wanted));
        let mut days = DayDownloads::new();
        for (day, count) in wanted.flat_map(|one| &one.days) {
            if (query.from..=query.to).contains(day) {
                *days.entry(*day).or_default() += count;
            }
        }
        Ok(days)
    }
}
