use std::collections::BTreeMap;

use super::View;
use crate::{
    error::{Error, Result},
    types::{
        ArchiveFile, DayDownloads, DistTag, DownloadQuery, LatestPolicy, LocatedVersion, Package, PackageName,
        PublishedVersion, Username, Version, VersionDetail, VersionList, VersionRange, VersionSummary,
    },
};

impl View<'_> {
    /// The package with its owners, dist-tags and versions.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn package(&self, name: &PackageName) -> Result<Package> {
        self.find(name, |reach| self.inner().packages.package(name, reach))
            .await?
            .ok_or_else(|| Error::PackageNotFound(name.clone()))
    }

    /// A part of the versions of a package, newest published first.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`]; [`Error::VersionNotFound`] for the version
    /// that they were published before.
    pub async fn version_list(&self, name: &PackageName, range: &VersionRange) -> Result<VersionList> {
        let list = self.find(name, |reach| self.inner().packages.version_list(name, range, reach)).await?;
        let list = list.ok_or_else(|| Error::PackageNotFound(name.clone()))?;
        if let Some(before) = range.before.as_ref().filter(|_| list.versions.is_empty()) {
            self.locate(name, before).await?;
        }
        Ok(list)
    }

    /// The number of every version of a package and whether it may be chosen,
    /// newest published first.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn version_numbers(&self, name: &PackageName) -> Result<Vec<PublishedVersion>> {
        self.find(name, |reach| self.inner().packages.version_numbers(name, reach))
            .await?
            .ok_or_else(|| Error::PackageNotFound(name.clone()))
    }

    /// The versions of a package that others are chosen from, newest published
    /// first: those within [`VersionBounds::CHOSEN_FROM`](crate::types::VersionBounds::CHOSEN_FROM).
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn versions(&self, name: &PackageName) -> Result<Vec<VersionSummary>> {
        self.find(name, |reach| self.inner().packages.versions(name, reach))
            .await?
            .ok_or_else(|| Error::PackageNotFound(name.clone()))
    }

    /// One version; build metadata in `version` does not matter.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn version(&self, name: &PackageName, version: &Version) -> Result<VersionDetail> {
        match self.find(name, |reach| self.inner().packages.version(name, version, reach)).await? {
            Some(detail) => Ok(detail),
            None => Err(self.no_such_version(name, version).await?),
        }
    }

    /// What is needed of a version to choose it or to read its archive: without its manifest. Build metadata in
    /// `version` does not matter.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn located_version(&self, name: &PackageName, version: &Version) -> Result<LocatedVersion> {
        match self.find(name, |reach| self.inner().packages.located_version(name, version, reach)).await? {
            Some(located) => Ok(located),
            None => Err(self.no_such_version(name, version).await?),
        }
    }

    /// The regular files of a version's archive, by path.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn files(&self, name: &PackageName, version: &Version) -> Result<Vec<ArchiveFile>> {
        match self.find(name, |reach| self.inner().packages.files(name, version, reach)).await? {
            Some(files) => Ok(files),
            None => Err(self.no_such_version(name, version).await?),
        }
    }

    /// The README of a version in Markdown.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`], and
    /// [`Error::NotFound`] where the version has none.
    pub async fn readme(&self, name: &PackageName, version: &Version) -> Result<String> {
        match self.find(name, |reach| self.inner().packages.readme(name, version, reach)).await? {
            Some(Some(readme)) => Ok(readme),
            Some(None) => Err(Error::NotFound(format!("Version {version} of {name} has no README.md"))),
            None => Err(self.no_such_version(name, version).await?),
        }
    }

    /// Downloads by UTC day; days without any are absent.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`], and
    /// [`Error::InvalidRequest`] where the first day is after the last.
    pub async fn downloads(&self, query: &DownloadQuery) -> Result<DayDownloads> {
        if query.from > query.to {
            return Err(Error::invalid_request(format!(
                "`from` ({}) is after `to` ({}); swap them",
                query.from, query.to
            )));
        }
        match &query.version {
            Some(version) => drop(self.locate(&query.package, version).await?),
            None => drop(self.tags(&query.package).await?),
        }
        self.inner().downloads.downloads(query).await
    }

    /// Every dist-tag of a package and the version it names.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn tags(&self, name: &PackageName) -> Result<BTreeMap<DistTag, Version>> {
        self.find(name, |reach| self.inner().packages.tags(name, reach))
            .await?
            .ok_or_else(|| Error::PackageNotFound(name.clone()))
    }

    /// The owners of a package, by name.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn owners(&self, name: &PackageName) -> Result<Vec<Username>> {
        self.find(name, |reach| self.inner().packages.owners(name, reach))
            .await?
            .ok_or_else(|| Error::PackageNotFound(name.clone()))
    }

    /// Why `version` was not found: the package, or only the version.
    pub(super) async fn no_such_version(&self, name: &PackageName, version: &Version) -> Result<Error> {
        let numbers = self.version_numbers(name).await?;
        Ok(Error::version_not_found(name, format_args!("{version}{}", highest_hint(&numbers))))
    }
}

/// `; the highest is 1.4.0`, or that there is none.
pub(super) fn highest_hint(numbers: &[PublishedVersion]) -> String {
    let standing = numbers.iter().filter(|version| version.visible).map(|version| &version.version);
    match LatestPolicy::Highest.pick(standing) {
        Some(highest) => format!("; the highest is {highest}"),
        None => "; all its versions are yanked".to_owned(),
    }
}
