use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    error::Result,
    types::{ArchiveKey, ArchiveLocation, PackageName, RegistryId, Version},
};

/// Knows which archives there should be, and whose they are: what an archive
/// store does not know of its own bytes.
#[async_trait]
pub trait ArchiveIndex: Debug + Send + Sync + 'static {
    /// Where the archive of a version lies; build metadata in `version` does
    /// not matter. What it gives once for a version, it gives for as long as
    /// the database loses no commit.
    async fn archive_location(&self, name: &PackageName, version: &Version) -> Result<Option<ArchiveLocation>>;

    /// Up to `limit` archives of versions in the order of their keys, from
    /// behind `after`.
    async fn published_archives(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<ArchiveLocation>>;

    /// Those of `keys`, in their order, that no version refers to and that no
    /// recorded upload, live or abandoned, may still have bytes at.
    async fn unreferenced_archives(&self, keys: &[ArchiveKey]) -> Result<Vec<ArchiveKey>>;

    /// The id of the registry, which was made with the database, is stored in
    /// it and never changes.
    async fn registry_id(&self) -> Result<RegistryId>;
}
