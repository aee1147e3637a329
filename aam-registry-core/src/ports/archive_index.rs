use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    decide::Audience,
    error::Result,
    types::{ArchiveKey, ArchiveLocation, PackageName, RegistryId, Version},
};

/// Knows which archives should exist, and to which versions they belong. An archive store does not know
/// that about its files.
#[async_trait]
pub trait ArchiveIndex: Debug + Send + Sync + 'static {
    /// The location of a version's archive; build metadata in `version` does not matter. The location
    /// of a version never changes, unless the database loses commits. `audience` is whom the answer is
    /// for: packages out of its [reach](Audience::reach) are not found, and what was read before an outage
    /// stands in during it for [`Audience::Everyone`] alone.
    async fn archive_location(
        &self,
        name: &PackageName,
        version: &Version,
        audience: Audience,
    ) -> Result<Option<ArchiveLocation>>;

    /// Up to `limit` archives of versions that were not removed, ordered by key, after `after`.
    async fn published_archives(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<ArchiveLocation>>;

    /// Those of `keys`, in the same order, that no version and no recorded upload, live or abandoned,
    /// refers to.
    async fn unreferenced_archives(&self, keys: &[ArchiveKey]) -> Result<Vec<ArchiveKey>>;

    /// The id of the registry, which was created with the database, is stored in it and never changes.
    async fn registry_id(&self) -> Result<RegistryId>;
}
