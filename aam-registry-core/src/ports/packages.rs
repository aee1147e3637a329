use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    error::Result,
    types::{
        Actor, ArchiveFile, Package, PackageName, PackageSummary, Page, RegistryTotals, Rights, SearchQuery, Version,
        VersionDetail, VersionSummary,
    },
};

/// Reads packages and versions. Each method sees one instant.
#[async_trait]
pub trait PackageStore: Debug + Send + Sync + 'static {
    /// The package with its owners, dist-tags and versions.
    async fn package(&self, name: &PackageName) -> Result<Option<Package>>;

    /// The versions of a package, newest published first; `None` where there
    /// is no such package.
    async fn versions(&self, name: &PackageName) -> Result<Option<Vec<VersionSummary>>>;

    /// One version; build metadata in `version` does not matter.
    async fn version(&self, name: &PackageName, version: &Version) -> Result<Option<VersionDetail>>;

    /// The regular files of a version's archive, by path.
    async fn files(&self, name: &PackageName, version: &Version) -> Result<Option<Vec<ArchiveFile>>>;

    /// The README of a version in Markdown: the outer `None` where there is no
    /// such version, the inner where it has no README.
    async fn readme(&self, name: &PackageName, version: &Version) -> Result<Option<Option<String>>>;

    /// What the actor is to a package, for reads that need a right; `None`
    /// where there is no such package.
    async fn rights(&self, actor: &Actor, name: &PackageName) -> Result<Option<Rights>>;

    /// Searches packages that have a `latest`. A package whose full or bare
    /// name equals the text comes first under
    /// [`Relevance`](crate::types::SearchSort::Relevance); ties go by name.
    async fn search(&self, query: &SearchQuery) -> Result<Page<PackageSummary>>;

    /// Sizes of the whole registry.
    async fn totals(&self) -> Result<RegistryTotals>;

    /// Whether the database answers; for health checks.
    async fn check(&self) -> Result<()>;
}
