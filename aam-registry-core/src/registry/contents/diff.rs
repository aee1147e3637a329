use std::sync::Arc;

use tokio::{sync::OwnedSemaphorePermit, task};

use super::reader::{ArchiveReader, accepted_limits};
use crate::{
    archive::{self, PackageDiff},
    error::{Error, Result},
    registry::Registry,
    types::{PackageName, Version},
};

impl Registry {
    /// What differs between two versions of a package.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`],
    /// [`Error::Overloaded`] where too many archives are open.
    pub async fn diff(&self, name: &PackageName, from: &Version, to: &Version) -> Result<PackageDiff> {
        let (from, to) = (self.version(name, from).await?.location(), self.version(name, to).await?.location());
        let permit = self.unpacking_permit()?;
        let before = ArchiveReader::new(self.open_archive(&from, None).await?);
        let after = ArchiveReader::new(self.open_archive(&to, None).await?);
        let differing = task::spawn_blocking(move || {
            let _permit = permit;
            archive::diff(before, after, &accepted_limits())
        });
        differing.await.map_err(Error::internal)?.map_err(not_the_clients)
    }

    /// Leave to keep a blocking thread busy with an archive.
    pub(super) fn unpacking_permit(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.inner().unpacking).try_acquire_owned().map_err(|_| Error::Overloaded)
    }
}

/// An archive that was accepted once and is refused now was damaged in its store.
fn not_the_clients(error: Error) -> Error {
    if error.code().status() < 500 { Error::storage(error, false) } else { error }
}
