use std::collections::BTreeMap;

use super::Registry;
use crate::{
    error::{Error, Result},
    types::{
        ArchiveFile, DayDownloads, DistTag, DownloadQuery, LatestPolicy, Package, PackageName, Username, Version,
        VersionDetail, VersionSummary,
    },
};

impl Registry {
    /// The package with its owners, dist-tags and versions.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn package(&self, name: &PackageName) -> Result<Package> {
        self.inner().packages.package(name).await?.ok_or_else(|| Error::PackageNotFound(name.clone()))
    }

    /// The versions of a package, newest published first.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn versions(&self, name: &PackageName) -> Result<Vec<VersionSummary>> {
        self.inner().packages.versions(name).await?.ok_or_else(|| Error::PackageNotFound(name.clone()))
    }

    /// One version; build metadata in `version` does not matter.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn version(&self, name: &PackageName, version: &Version) -> Result<VersionDetail> {
        match self.inner().packages.version(name, version).await? {
            Some(detail) => Ok(detail),
            None => Err(self.no_such_version(name, version).await?),
        }
    }

    /// The regular files of a version's archive, by path.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`].
    pub async fn files(&self, name: &PackageName, version: &Version) -> Result<Vec<ArchiveFile>> {
        match self.inner().packages.files(name, version).await? {
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
        match self.inner().packages.readme(name, version).await? {
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
            Some(version) => drop(self.version(&query.package, version).await?),
            None => drop(self.versions(&query.package).await?),
        }
        self.inner().downloads.downloads(query).await
    }

    /// Every dist-tag of a package and the version it names.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn tags(&self, name: &PackageName) -> Result<BTreeMap<DistTag, Version>> {
        Ok(self.package(name).await?.dist_tags)
    }

    /// The owners of a package, by name.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn owners(&self, name: &PackageName) -> Result<Vec<Username>> {
        Ok(self.package(name).await?.owners)
    }

    /// Why `version` was not found: the package, or only the version.
    pub(super) async fn no_such_version(&self, name: &PackageName, version: &Version) -> Result<Error> {
        let versions = self.versions(name).await?;
        Ok(Error::version_not_found(name, format_args!("{version}{}", highest_hint(&versions))))
    }
}

/// `; the highest is 1.4.0`, or that there is none.
pub(super) fn highest_hint(versions: &[VersionSummary]) -> String {
    let standing = versions.iter().filter(|version| !version.yanked).map(|version| &version.version);
    match LatestPolicy::Highest.pick(standing) {
        Some(highest) => format!("; the highest is {highest}"),
        None => "; all its versions are yanked".to_owned(),
    }
}
