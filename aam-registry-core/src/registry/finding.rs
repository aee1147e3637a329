//! Reads of packages and versions, each narrowed to what the viewer may see.

use std::collections::BTreeMap;

use super::{View, view::Reader};
use crate::{
    decide::{Insight, Shown},
    error::{Error, Result},
    types::{
        ArchiveLocation, DistTag, Gates, LocatedVersion, Package, PackageName, PublishedVersion, Reach, Username,
        Version, VersionDetail, VersionList, VersionStatus, VersionSummary, Visibility,
    },
};

/// What was found of a version.
#[derive(Debug)]
pub(super) enum Found<T> {
    /// Nothing that the viewer may see.
    Nothing,
    /// That it was removed.
    Gone,
    /// What the viewer may see, but for what is in the archive.
    Described(T),
    /// All that was asked for.
    Whole(T),
}

/// What is read of one version.
pub(super) trait OfVersion {
    /// The version, where it stands, and who may see its package.
    fn standing(&self) -> (&Version, VersionStatus, Visibility);
}

impl OfVersion for VersionDetail {
    fn standing(&self) -> (&Version, VersionStatus, Visibility) {
        (&self.summary.version, self.summary.status, self.visibility)
    }
}

impl OfVersion for LocatedVersion {
    fn standing(&self) -> (&Version, VersionStatus, Visibility) {
        self.location.standing()
    }
}

impl OfVersion for ArchiveLocation {
    fn standing(&self) -> (&Version, VersionStatus, Visibility) {
        (&self.version, self.status, self.visibility)
    }
}

/// What is read of the versions of a package.
pub(super) trait OfPackage: Sized {
    /// What a viewer with that insight may see of it; `None` where that is nothing.
    fn narrowed(self, insight: &Insight, visibility: Visibility) -> Option<Self>;
}

impl OfPackage for Package {
    fn narrowed(mut self, insight: &Insight, visibility: Visibility) -> Option<Self> {
        let read = self.versions.len();
        self.versions.retain(|one| insight.shown(visibility, &one.version, one.status).is_listed());
        self.version_count = self.version_count.saturating_sub((read - self.versions.len()) as u64);
        if !insight.sees_package(visibility) {
            // Tags name only versions that everybody sees who sees the package.
            self.dist_tags.clear();
        }
        (!self.versions.is_empty()).then_some(self)
    }
}

impl OfPackage for VersionList {
    fn narrowed(mut self, insight: &Insight, visibility: Visibility) -> Option<Self> {
        let read = self.versions.len();
        self.versions.retain(|one| insight.shown(visibility, &one.version, one.status).is_listed());
        self.total = self.total.saturating_sub((read - self.versions.len()) as u64);
        (self.total > 0).then_some(self)
    }
}

impl OfPackage for Vec<PublishedVersion> {
    /// Versions that the viewer may know to be removed stay.
    fn narrowed(mut self, insight: &Insight, visibility: Visibility) -> Option<Self> {
        self.retain(|one| insight.shown(visibility, &one.version, one.status) != Shown::Nothing);
        (!self.is_empty()).then_some(self)
    }
}

impl OfPackage for Vec<VersionSummary> {
    /// For resolutions: versions whose archive the viewer may not have are not chosen.
    fn narrowed(mut self, insight: &Insight, visibility: Visibility) -> Option<Self> {
        self.retain(|one| insight.shown(visibility, &one.version, one.status) == Shown::Whole);
        (!self.is_empty()).then_some(self)
    }
}

/// What is read of a package besides its versions.
pub(super) trait BesideVersions: Sized {
    /// What may be shown of it to somebody who sees these versions.
    fn beside(self, versions: &[PublishedVersion]) -> Self;
}

impl BesideVersions for BTreeMap<DistTag, Version> {
    fn beside(mut self, versions: &[PublishedVersion]) -> Self {
        self.retain(|_, named| versions.iter().any(|one| one.version == *named));
        self
    }
}

impl BesideVersions for Gates {
    fn beside(self, _: &[PublishedVersion]) -> Self {
        self
    }
}

impl BesideVersions for Vec<Username> {
    fn beside(self, _: &[PublishedVersion]) -> Self {
        self
    }
}

impl View<'_> {
    /// Reads something of a version with `read`: within what everybody sees and, where that finds nothing and the
    /// viewer might see more of the package `name`, within that. So a version that everybody sees costs one read, and
    /// any other takes those who may not see it just the reads that a version takes that does not exist.
    pub(super) async fn find_version<T: OfVersion, F>(
        &self,
        name: &PackageName,
        read: impl Fn(Reach) -> F,
    ) -> Result<Found<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let by = match self.reader() {
            Reader::Internal => return Ok(read(Reach::Everything).await?.map_or(Found::Nothing, unrestricted)),
            Reader::Viewer(None) => return Ok(read(Reach::Public).await?.map_or(Found::Nothing, Found::Whole)),
            Reader::Viewer(Some(by)) | Reader::Writer(by) => by,
        };
        let insight = match self.known_insight(name) {
            Some(insight) => insight,
            None => {
                if let Some(found) = read(Reach::Public).await? {
                    return Ok(Found::Whole(found));
                }
                self.insight(by, name).await?
            }
        };
        if !insight.is_wider() {
            return Ok(Found::Nothing);
        }
        self.note_disclosure();
        let reach = if insight.reaches_private() { Reach::Everything } else { Reach::PublicPackages };
        let Some(found) = read(reach).await? else { return Ok(Found::Nothing) };
        let (version, status, visibility) = found.standing();
        let shown = insight.shown(visibility, version, status);
        if shown != Shown::Nothing && visibility.is_private() && !insight.is_own() {
            self.record_read(name).await?;
        }
        Ok(match shown {
            Shown::Nothing => Found::Nothing,
            Shown::Gone => Found::Gone,
            Shown::Described => Found::Described(found),
            Shown::Whole => Found::Whole(found),
        })
    }

    /// Reads something of the versions of a package with `read`: all that the viewer may see of them. A viewer who is
    /// nothing to the package reads what everybody sees, whether there is more or not.
    pub(super) async fn find<T: OfPackage, F>(&self, name: &PackageName, read: impl Fn(Reach) -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let by = match self.reader() {
            Reader::Internal => return read(Reach::Everything).await,
            Reader::Viewer(None) => return read(Reach::Public).await,
            Reader::Viewer(Some(by)) | Reader::Writer(by) => by,
        };
        let insight = self.insight(by, name).await?;
        if !insight.is_wider() {
            return read(Reach::Public).await;
        }
        self.note_disclosure();
        if insight.is_own() {
            // Whether the package is private makes no difference to them.
            let found = read(Reach::Everything).await?;
            return Ok(found.and_then(|found| found.narrowed(&insight, Visibility::Public)));
        }
        if let Some(found) = read(Reach::PublicPackages).await? {
            return Ok(found.narrowed(&insight, Visibility::Public));
        }
        if !insight.reaches_private() {
            return Ok(None);
        }
        let found = read(Reach::Everything).await?.and_then(|found| found.narrowed(&insight, Visibility::Private));
        if found.is_some() {
            self.record_read(name).await?;
        }
        Ok(found)
    }

    /// Reads something of a package besides its versions: nothing where the viewer sees none of them.
    pub(super) async fn find_beside<T: BesideVersions, F>(
        &self,
        name: &PackageName,
        read: impl Fn(Reach) -> F,
    ) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        match self.reader() {
            Reader::Internal => return read(Reach::Everything).await,
            Reader::Viewer(None) => return read(Reach::Public).await,
            Reader::Viewer(Some(_)) | Reader::Writer(_) => {}
        }
        if self.known_insight(name).is_none()
            && let Some(found) = read(Reach::Public).await?
        {
            return Ok(Some(found));
        }
        let Some(versions) = self.find(name, |reach| self.inner().packages.version_numbers(name, reach)).await? else {
            return Ok(None);
        };
        Ok(read(Reach::Everything).await?.map(|found| found.beside(&versions)))
    }

    /// Reads something of the archive of a version, which the viewer has to be allowed to have.
    ///
    /// # Errors
    /// Those of [`locate`](Self::locate).
    pub(super) async fn find_content<T, F>(
        &self,
        name: &PackageName,
        version: &Version,
        read: impl Fn(Reach) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let is_everything = matches!(self.reader(), Reader::Internal);
        if !is_everything && self.known_insight(name).is_none() {
            if let Some(found) = read(Reach::Public).await? {
                return Ok(found);
            }
        }
        self.locate(name, version).await?;
        match read(Reach::Everything).await? {
            Some(found) => Ok(found),
            None => Err(self.no_such_version(name, version).await?),
        }
    }
}

/// What is found where nobody is shown it.
fn unrestricted<T: OfVersion>(found: T) -> Found<T> {
    if found.standing().1.is_removed() { Found::Gone } else { Found::Whole(found) }
}

/// The refusal to give what is in the archive of a version in quarantine to somebody who sees that it is there.
pub(super) fn withheld(name: &PackageName, version: &Version) -> Error {
    Error::forbidden(format!(
        "Version {version} of {name} is in quarantine, so only moderators get its contents; ask them, or publish another \
         version"
    ))
}
