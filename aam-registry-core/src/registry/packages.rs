use std::collections::BTreeMap;

use super::{
    View,
    finding::{Found, withheld},
};
use crate::{
    error::{Error, Result},
    types::{
        ApprovalStatus, ArchiveFile, DayDownloads, DistTag, DownloadQuery, LatestPolicy, LocatedVersion, Package,
        PackageName, PublishedVersion, Username, Version, VersionDetail, VersionList, VersionRange, VersionSummary,
    },
};

impl View<'_> {
    /// The package with its owners, dist-tags and versions.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn package(&self, name: &PackageName) -> Result<Package> {
        let package = self.find(name, |reach| self.inner().packages.package(name, reach)).await?;
        let mut package: Package = package.ok_or_else(|| Error::PackageNotFound(name.clone()))?;
        // It tells what `latest` says and, where there is none, what the newest version says that the viewer sees.
        let newest = package.versions.first().filter(|_| package.latest().is_none());
        if let Some(newest) = newest.filter(|newest| newest.version != package.manifest.version) {
            package.manifest = self.version(name, &newest.version).await?.manifest;
        }
        if let Some(seen) = self.seen_beyond(name, package.versions.len(), package.version_count).await? {
            package.version_count = seen.len() as u64;
        }
        Ok(package)
    }

    /// The number of every version that the viewer sees, newest published first, where a list has only `listed` of
    /// `total`: of the others some may be hidden from the viewer. `None` where the total is right as it is.
    async fn seen_beyond(
        &self,
        name: &PackageName,
        listed: usize,
        total: u64,
    ) -> Result<Option<Vec<PublishedVersion>>> {
        if self.principal().is_none() || total <= listed as u64 {
            return Ok(None);
        }
        self.version_numbers(name).await.map(Some)
    }

    /// A part of the versions of a package, newest published first.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`]; [`Error::VersionNotFound`] for the version
    /// that they were published before.
    pub async fn version_list(&self, name: &PackageName, range: &VersionRange) -> Result<VersionList> {
        // Where a version stands in the order would tell of one that the viewer does not see.
        if let Some(before) = &range.before {
            self.require_version(name, before).await?;
        }
        let list = self.find(name, |reach| self.inner().packages.version_list(name, range, reach)).await?;
        let mut list: VersionList = list.ok_or_else(|| Error::PackageNotFound(name.clone()))?;
        if let Some(seen) = self.seen_beyond(name, list.versions.len(), list.total).await? {
            list.total = seen.len() as u64;
            let is_oldest = |listed: &VersionSummary| seen.last().is_some_and(|seen| seen.version == listed.version);
            list.has_older &= !list.versions.last().is_some_and(is_oldest);
        }
        Ok(list)
    }

    /// The number of every version of a package and whether it may be chosen,
    /// newest published first.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn version_numbers(&self, name: &PackageName) -> Result<Vec<PublishedVersion>> {
        let mut numbers = self.all_numbers(name).await?;
        numbers.retain(|one| !one.status.is_removed());
        if numbers.is_empty() { Err(Error::PackageNotFound(name.clone())) } else { Ok(numbers) }
    }

    /// The same, with the versions that the viewer may know to be removed.
    pub(super) async fn all_numbers(&self, name: &PackageName) -> Result<Vec<PublishedVersion>> {
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
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`], [`Error::VersionGone`].
    pub async fn version(&self, name: &PackageName, version: &Version) -> Result<VersionDetail> {
        match self.find_detail(name, version).await? {
            Found::Whole(detail) | Found::Described(detail) => Ok(detail),
            Found::Gone => Err(Error::VersionGone { package: name.clone(), version: version.clone() }),
            Found::Nothing => Err(self.no_such_version(name, version).await?),
        }
    }

    /// What is needed of a version to choose it or to read its archive, which the viewer has to be allowed to have:
    /// without its manifest. Build metadata in `version` does not matter.
    ///
    /// # Errors
    /// Those of [`version`](Self::version); [`Error::Forbidden`] for a version in quarantine.
    pub async fn located_version(&self, name: &PackageName, version: &Version) -> Result<LocatedVersion> {
        match self.find_located(name, version).await? {
            Found::Whole(located) => Ok(located),
            Found::Described(located) => Err(withheld(name, &located.summary.version)),
            Found::Gone => Err(Error::VersionGone { package: name.clone(), version: version.clone() }),
            Found::Nothing => Err(self.no_such_version(name, version).await?),
        }
    }

    /// The same where the viewer sees the version, though it may not have its archive.
    ///
    /// # Errors
    /// Those of [`version`](Self::version).
    pub(super) async fn described_version(&self, name: &PackageName, version: &Version) -> Result<LocatedVersion> {
        match self.find_located(name, version).await? {
            Found::Whole(located) | Found::Described(located) => Ok(located),
            Found::Gone => Err(Error::VersionGone { package: name.clone(), version: version.clone() }),
            Found::Nothing => Err(self.no_such_version(name, version).await?),
        }
    }

    async fn find_located(&self, name: &PackageName, version: &Version) -> Result<Found<LocatedVersion>> {
        self.find_version(name, |reach| self.inner().packages.located_version(name, version, reach)).await
    }

    async fn find_detail(&self, name: &PackageName, version: &Version) -> Result<Found<VersionDetail>> {
        self.find_version(name, |reach| self.inner().packages.version(name, version, reach)).await
    }

    /// The regular files of a version's archive, by path.
    ///
    /// # Errors
    /// Those of [`locate`](Self::locate).
    pub async fn files(&self, name: &PackageName, version: &Version) -> Result<Vec<ArchiveFile>> {
        self.find_content(name, version, |reach| self.inner().packages.files(name, version, reach)).await
    }

    /// The README of a version in Markdown.
    ///
    /// # Errors
    /// Those of [`locate`](Self::locate), and [`Error::NotFound`] where the version has none.
    pub async fn readme(&self, name: &PackageName, version: &Version) -> Result<String> {
        let readme = self.find_content(name, version, |reach| self.inner().packages.readme(name, version, reach));
        readme.await?.ok_or_else(|| Error::NotFound(format!("Version {version} of {name} has no README.md")))
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
            Some(version) => self.require_version(&query.package, version).await?,
            None => drop(self.tags(&query.package).await?),
        }
        self.inner().downloads.downloads(query).await
    }

    /// Every dist-tag of a package and the version it names.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn tags(&self, name: &PackageName) -> Result<BTreeMap<DistTag, Version>> {
        self.find_beside(name, |reach| self.inner().packages.tags(name, reach))
            .await?
            .ok_or_else(|| Error::PackageNotFound(name.clone()))
    }

    /// The owners of a package, by name.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`].
    pub async fn owners(&self, name: &PackageName) -> Result<Vec<Username>> {
        self.find_beside(name, |reach| self.inner().packages.owners(name, reach))
            .await?
            .ok_or_else(|| Error::PackageNotFound(name.clone()))
    }

    /// Why `version` was not found: the package, or only the version, or it was removed.
    pub(super) async fn no_such_version(&self, name: &PackageName, version: &Version) -> Result<Error> {
        let numbers = self.all_numbers(name).await?;
        if let Some(gone) = numbers.iter().find(|one| one.version == *version && one.status.is_removed()) {
            return Ok(Error::VersionGone { package: name.clone(), version: gone.version.clone() });
        }
        Ok(Error::version_not_found(name, format_args!("{version}{}", highest_hint(&numbers))))
    }
}

/// `; the highest is 1.4.0`, or why there is none that may be used.
pub(super) fn highest_hint(numbers: &[PublishedVersion]) -> String {
    let standing = numbers.iter().filter(|version| version.visible).map(|version| &version.version);
    match LatestPolicy::Highest.pick(standing) {
        Some(highest) => format!("; the highest is {highest}"),
        None => format!("; {}", why_none(numbers)),
    }
}

/// Why none of these versions may be used.
pub(super) fn why_none(numbers: &[PublishedVersion]) -> String {
    let hindered = |found: bool, why: &'static str| found.then_some(why);
    let of = |test: fn(&PublishedVersion) -> bool| numbers.iter().any(test);
    let reasons: Vec<_> = [
        hindered(of(|one| one.status.is_open() && !one.visible), "yanked"),
        hindered(of(|one| one.waits_for(ApprovalStatus::Pending)), "not approved yet"),
        hindered(of(|one| one.waits_for(ApprovalStatus::Rejected)), "rejected"),
        hindered(of(|one| one.status.is_quarantined()), "in quarantine"),
        hindered(of(|one| one.status.is_removed()), "removed"),
    ]
    .into_iter()
    .flatten()
    .collect();
    match &reasons[..] {
        [] => "it has no version".to_owned(),
        [one] => format!("all its versions are {one}"),
        [others @ .., last] => format!("all its versions are {} or {last}", others.join(", ")),
    }
}
