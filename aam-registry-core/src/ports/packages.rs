use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use async_trait::async_trait;

use crate::{
    decide::Rights,
    error::Result,
    types::{
        Actor, ArchiveFile, DistTag, LocatedVersion, Memberships, Package, PackageName, PackageSummary, Page,
        PublishedVersion, Reach, RegistryTotals, SearchQuery, UserId, Username, Version, VersionBounds, VersionDetail,
        VersionList, VersionRange, VersionSummary,
    },
};

/// Reads packages and versions. Each method reads from one snapshot. A package or version that is out of the
/// [`Reach`] of a read is as if it did not exist, and takes as long to be missed. Lists of versions never hold removed
/// ones; a package that has no version to list is not found.
#[async_trait]
pub trait PackageStore: Debug + Send + Sync + 'static {
    /// The package with its owners, dist-tags and newest versions.
    async fn package(&self, name: &PackageName, reach: Reach) -> Result<Option<Package>>;

    /// A part of the versions of a package, newest published first; `None` if the package does not
    /// exist. Reads only the versions that it returns, and the sizes of those that it leaves out.
    async fn version_list(&self, name: &PackageName, range: &VersionRange, reach: Reach)
    -> Result<Option<VersionList>>;

    /// The versions of a package among which a resolution chooses, newest published first: those within
    /// [`VersionBounds::CHOSEN_FROM`].
    async fn versions(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<VersionSummary>>> {
        let range = VersionRange { before: None, bounds: VersionBounds::CHOSEN_FROM };
        Ok(self.version_list(name, &range, reach).await?.map(|list| list.versions))
    }

    /// The number of every version of a package and whether it may be chosen, newest published first; reads nothing
    /// else of them. Removed versions are among them, also within [`Reach::Public`] where everybody could see them
    /// ([`is_gone_for_all`](crate::types::VersionStatus::is_gone_for_all)).
    async fn version_numbers(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<PublishedVersion>>>;

    /// Every dist-tag of a package and the version it names; reads nothing else.
    async fn tags(&self, name: &PackageName, reach: Reach) -> Result<Option<BTreeMap<DistTag, Version>>>;

    /// The owners of a package, by name; reads nothing else.
    async fn owners(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<Username>>>;

    /// One version; build metadata in `version` does not matter.
    async fn version(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<VersionDetail>>;

    /// What is needed of a version to choose it or to read its archive; reads no manifest. Build metadata in
    /// `version` does not matter.
    async fn located_version(
        &self,
        name: &PackageName,
        version: &Version,
        reach: Reach,
    ) -> Result<Option<LocatedVersion>>;

    /// The regular files of a version's archive, by path.
    async fn files(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Vec<ArchiveFile>>>;

    /// The README of a version in Markdown: the outer `None` if the version does not exist, the inner
    /// one if it has no README.
    async fn readme(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Option<String>>>;

    /// The rights of the actor to a package, for reads that need a right; `None` if there is no package
    /// that the actor may see: [`PackageAccess::rights`](crate::decide::PackageAccess::rights).
    async fn rights(&self, actor: &Actor, name: &PackageName) -> Result<Option<Rights>>;

    /// What a user is by which more is visible to the user than to everybody. May lag behind by less than a
    /// second.
    async fn memberships(&self, user: UserId) -> Result<Arc<Memberships>>;

    /// The same, where it is known without asking the database.
    fn known_memberships(&self, user: UserId) -> Option<Arc<Memberships>> {
        let _ = user;
        None
    }

    /// Searches packages that have a `latest` and are public or in the query's
    /// [sight](SearchQuery::sight); others change nothing about the result. With [`Relevance`](crate::types::SearchSort::Relevance)
    /// a package whose full or bare name equals the text comes first; ties are sorted by name.
    async fn search(&self, query: &SearchQuery) -> Result<Page<PackageSummary>>;

    /// Sizes of the whole registry.
    async fn totals(&self) -> Result<RegistryTotals>;

    /// Whether the database answers; for health checks.
    async fn check(&self) -> Result<()>;
}
