use std::{ops::Range, sync::Arc};

use futures_util::{StreamExt, stream};
use http::{Method, Uri};

use super::{
    DownloadTally, Registry, View,
    finding::{Found, withheld},
};
use crate::{
    decide::Audience,
    error::{Error, Result},
    ports::{ArchiveContent, DigestsOf, QueryHandlerExt},
    types::{ArchiveLocation, PackageName, Reach, Sha256Digest, Version},
};

/// How many entries about downloads are written to the audit log at a time.
const ENTRIES_AT_ONCE: usize = 8;

impl View<'_> {
    /// Counts one download of this viewer in `tally`, as [`Registry::count_in`] does.
    pub fn count_in(&self, tally: &Arc<DownloadTally>) {
        let (counter, now) = (&self.inner().counter, self.registry().now());
        match self.principal() {
            Some(reader) => counter.count_by(tally, reader.username.as_str(), now),
            None => counter.count(tally, now),
        }
    }

    /// Notes for the audit log that this viewer gets bytes which count as no download, such as the rest of an archive.
    pub(crate) fn note_read(&self, tally: &Arc<DownloadTally>) {
        let reader = self.principal().map(|reader| reader.username.as_str());
        self.inner().counter.note_read(tally, reader, self.registry().now());
    }

    /// The location of a version's archive; build metadata in `version` does not matter.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`], [`Error::VersionGone`]; [`Error::Forbidden`] for a
    /// version in quarantine whose contents the viewer may not have.
    pub async fn locate(&self, name: &PackageName, version: &Version) -> Result<ArchiveLocation> {
        match self.find_location(name, version).await? {
            Found::Whole(location) => Ok(location),
            Found::Described(location) => Err(withheld(name, &location.version)),
            Found::Gone => Err(Error::VersionGone { package: name.clone(), version: version.clone() }),
            Found::Nothing => Err(self.no_such_version(name, version).await?),
        }
    }

    /// Requires that the viewer sees a version, though not that the viewer may have its archive.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`], [`Error::VersionGone`].
    pub(super) async fn require_version(&self, name: &PackageName, version: &Version) -> Result<()> {
        match self.find_location(name, version).await? {
            Found::Whole(_) | Found::Described(_) => Ok(()),
            Found::Gone => Err(Error::VersionGone { package: name.clone(), version: version.clone() }),
            Found::Nothing => Err(self.no_such_version(name, version).await?),
        }
    }

    async fn find_location(&self, name: &PackageName, version: &Version) -> Result<Found<ArchiveLocation>> {
        let locate = async |reach| {
            let audience = match reach {
                // Within what everybody sees, whoever it is kept for.
                Reach::Public if self.audience() == Audience::Private => Audience::Members,
                Reach::Public => self.audience(),
                Reach::Everything => Audience::Private,
                Reach::PublicPackages => {
                    let detail = self.inner().packages.version(name, version, reach).await?;
                    return Ok(detail.map(|detail| detail.location()));
                }
            };
            self.inner().archive_index.archive_location(name, version, audience).await
        };
        self.find_version(name, locate).await
    }

    /// The location of a version's archive if it has the digest `sha256`. A cached location is first
    /// compared with the metadata.
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
            location = self.located_version(name, version).await?.location;
        }
        Ok((location.sha256 == *sha256).then_some(location))
    }

    /// The URI from which a client that requests an archive with `method` (`GET` or `HEAD`) has to
    /// download it; `None` if the registry sends it. [`Registry::open_archive`] works in
    /// either case.
    ///
    /// # Errors
    /// A backend error if the store fails.
    pub async fn redirect_archive(&self, location: &ArchiveLocation, method: &Method) -> Result<Option<Uri>> {
        self.inner().archives.redirect(location, method, self.audience_of(location)).await
    }
}

impl Registry {
    /// Finds the archive with that digest for a CDN that the registry knows, and that checks itself who may have it:
    /// of private packages, too, but not of a version that is withheld.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn locate_for_cdn(
        &self,
        name: &PackageName,
        version: &Version,
        sha256: &Sha256Digest,
    ) -> Result<Option<ArchiveLocation>> {
        let found = self.inner().archive_index.archive_location(name, version, Audience::Private).await?;
        Ok(found.filter(|location| location.status.is_open() && location.sha256 == *sha256))
    }

    /// Every version of a package and the digest of its archive, also of those that are removed: a CDN may have them.
    pub(crate) async fn archives_on_cdn(&self, name: &PackageName) -> Result<Vec<(Version, Sha256Digest)>> {
        self.inner().queries.ask(DigestsOf(name.clone())).await
    }

    /// Opens a version's archive, or a range of its bytes within its size.
    ///
    /// # Errors
    /// A backend error if the store fails or has lost the archive.
    pub async fn open_archive(&self, location: &ArchiveLocation, range: Option<Range<u64>>) -> Result<ArchiveContent> {
        let content = self.inner().archive_source.open(location, range).await?;
        // A version whose bytes are missing is the registry's fault. It must not become a 404, which
        // clients and caches would believe.
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

    /// A tally for the downloads of a version, to be kept by the caller: [counting in
    /// it](Self::count_in) never waits.
    pub fn tally(&self, location: &ArchiveLocation) -> Arc<DownloadTally> {
        Arc::new(DownloadTally::new(location))
    }

    /// Counts one download as [`count_download`](Self::count_download) does, without a lock that other
    /// threads may hold.
    pub fn count_in(&self, tally: &Arc<DownloadTally>) {
        self.inner().counter.count(tally, self.now());
    }

    /// Writes the downloads that were counted until now to the audit log, if [the policy](super::Policy::logs_reads)
    /// wants them there. What the log does not take is written at the next call.
    ///
    /// # Errors
    /// The error of one of the stores.
    pub async fn log_reads(&self) -> Result<()> {
        if !self.policy().logs_reads {
            return Ok(());
        }
        let flushed = self.flush_downloads().await;
        let entries = self.inner().counter.reads_to_log(self.now()).await;
        let mut written = stream::iter(entries)
            .map(async |entry| {
                self.inner().audit.append(&entry).await?;
                self.inner().counter.logged(&entry).await;
                Ok(())
            })
            .buffer_unordered(ENTRIES_AT_ONCE);
        let mut result = flushed;
        while let Some(appended) = written.next().await {
            result = result.and(appended);
        }
        result
    }

    /// Adds the counts to the store.
    ///
    /// A batch whose outcome is unknown is given to the store again at the next call, with the same id,
    /// so that it counts once.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn flush_downloads(&self) -> Result<()> {
        let now = self.now();
        let flushed = self.inner().counter.flush(&self.inner().downloads, now).await;
        self.notice_downloads(self.inner().counter.gathered().await, now);
        flushed
    }
}
