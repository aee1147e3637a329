use std::{ops::Range, sync::Arc};

use http::{Method, Uri};

use super::{DownloadTally, Registry, View};
use crate::{
    error::{Error, Result},
    ports::ArchiveContent,
    types::{ArchiveLocation, PackageName, Sha256Digest, Version},
};

impl View<'_> {
    /// Where the archive of a version lies; build metadata in `version` does not matter.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn locate(&self, name: &PackageName, version: &Version) -> Result<ArchiveLocation> {
        match self.inner().archive_index.archive_location(name, version).await? {
            Some(location) => Ok(location),
            None => Err(self.no_such_version(name, version).await?),
        }
    }

    /// Where the archive of a version lies, if it is the one of that digest.
    /// What is kept of it is held against what the metadata says.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn locate_digest(
        &self,
        name: &PackageName,
        version: &Version,
        sha256: &Sha256Digest,
    ) -> Result<Option<ArchiveLocation>> {
        let mut location = self.locate(name, version).await?;
        if location.sha256 != *sha256 {
            location = self.version(name, version).await?.location();
        }
        Ok((location.sha256 == *sha256).then_some(location))
    }

    /// Where a client that asks for an archive with `method` (`GET` or `HEAD`)
    /// is to fetch it instead; `None` where it is to be sent from here, which
    /// [`Registry::open_archive`] can do in either case.
    ///
    /// # Errors
    /// A backend error where the store fails to say.
    pub async fn redirect_archive(&self, location: &ArchiveLocation, method: &Method) -> Result<Option<Uri>> {
        self.inner().archives.redirect(location, method, self.audience()).await
    }
}

impl Registry {
    /// Opens a version's archive, or a range of its bytes within its size.
    ///
    /// # Errors
    /// A backend error where the store fails or has lost the archive.
    pub async fn open_archive(&self, location: &ArchiveLocation, range: Option<Range<u64>>) -> Result<ArchiveContent> {
        let content = self.inner().archive_source.open(location, range).await?;
        // A version without its bytes is our fault: never a 404, which clients and caches would believe.
        content.ok_or_else(|| {
            tracing::error!(
                event = "archive_missing",
                package = %location.package,
                version = %location.version,
                archive = %location.archive,
                "an archive that a version refers to is missing",
            );
            Error::storage(format!("archive {} is missing", location.archive), false)
        })
    }

    /// Counts one download. Never waits; the count is stored by
    /// [`flush_downloads`](Self::flush_downloads).
    pub fn count_download(&self, location: &ArchiveLocation) {
        self.inner().counter.count_once(location, self.now());
    }

    /// A tally of the downloads of a version, to be kept: what is
    /// [counted in it](Self::count_in) waits for nobody.
    pub fn tally(&self, location: &ArchiveLocation) -> Arc<DownloadTally> {
        Arc::new(DownloadTally::new(location))
    }

    /// Counts one download as [`count_download`](Self::count_download) does,
    /// with no lock that others may hold.
    pub fn count_in(&self, tally: &Arc<DownloadTally>) {
        self.inner().counter.count(tally, self.now());
    }

    /// Adds what was counted to the store.
    ///
    /// A batch that the store did not certainly add is given to it again at
    /// the next call, under the same id, so that it counts once.
    ///
    /// # Errors
    /// What the store said.
    pub async fn flush_downloads(&self) -> Result<()> {
        self.inner().counter.flush(&self.inner().downloads, self.now()).await
    }
}
