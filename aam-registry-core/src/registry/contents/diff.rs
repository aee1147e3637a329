use std::sync::Arc;

use tokio::task;

use super::reader::{ACCEPTED, ArchiveReader};
use crate::{
    archive::{self, PackageDiff},
    error::{Error, Result},
    registry::{Registry, View},
    types::{ArchiveLocation, ClientNetwork, PackageName, Version},
};

impl View<'_> {
    /// What differs between two versions of a package.
    ///
    /// What was found is kept, and told again without a look at the archives.
    /// Places for this are shared fairly between clients, who are known by the
    /// network they ask `from`.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`],
    /// [`Error::TooManyAtOnce`] and [`Error::Overloaded`] where too many archives
    /// are read already.
    pub async fn diff(
        &self,
        name: &PackageName,
        before: &Version,
        after: &Version,
        from: Option<ClientNetwork>,
    ) -> Result<Arc<PackageDiff>> {
        // Held against the metadata, which what is kept of locations may be behind.
        let before = self.located_version(name, before).await?.location;
        let after = self.located_version(name, after).await?.location;
        if let Some(diff) = self.inner().unpacking.diffs.get(&(before.sha256, after.sha256)) {
            return Ok(diff);
        }
        // On a task of its own: what was begun is kept also where the client leaves.
        let registry = self.registry().clone();
        let comparing = task::spawn(async move {
            let compare = registry.compare(&before, &after, from);
            registry.inner().unpacking.diffs.get_or_insert_async(&(before.sha256, after.sha256), compare).await
        });
        comparing.await.map_err(Error::internal)?
    }
}

impl Registry {
    async fn compare(
        &self,
        before: &ArchiveLocation,
        after: &ArchiveLocation,
        from: Option<ClientNetwork>,
    ) -> Result<Arc<PackageDiff>> {
        let place = self.inner().unpacking.place(from.as_ref()).await?;
        let before = ArchiveReader::new(self.open_archive(before, None).await?);
        let after = ArchiveReader::new(self.open_archive(after, None).await?);
        let differing = task::spawn_blocking(move || {
            let _place = place;
            archive::diff(before, after, &ACCEPTED)
        });
        differing.await.map_err(Error::internal)?.map(Arc::new).map_err(not_the_clients)
    }
}

/// An archive that was accepted once and is refused now was damaged in its store.
pub(super) fn not_the_clients(error: Error) -> Error {
    if error.code().status() < 500 { Error::storage(error, false) } else { error }
}
