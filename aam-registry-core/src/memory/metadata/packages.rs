use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;

use super::{
    MemoryMetadata,
    tables::{StoredPackage, StoredScope, StoredVersion, Tables},
};
use crate::{
    decide::{QuarantineState, Rights},
    error::{Error, Result},
    ports::PackageStore,
    types::{
        Actor, ArchiveFile, ArchiveLocation, DistTag, LocatedVersion, Memberships, Package, PackageName,
        PackageSummary, Page, PublishedVersion, Quarantine, Reach, RegistryTotals, SearchQuery, UserId, Username,
        Version, VersionBounds, VersionDetail, VersionList, VersionRange, VersionSummary,
    },
};

#[async_trait]
impl PackageStore for MemoryMetadata {
    async fn package(&self, name: &PackageName, reach: Reach) -> Result<Option<Package>> {
        let tables = self.tables();
        let Some(package) = tables.package(name, reach) else { return Ok(None) };
        let Some(foremost) = package.foremost(reach) else { return Ok(None) };
        let list = package.list(&VersionRange { before: None, bounds: VersionBounds::LISTED }, reach);
        Ok(Some(Package {
            name: name.clone(),
            manifest: foremost.manifest.clone(),
            created_at: package.created_at,
            updated_at: package.updated_at,
            owners: tables.owner_names(name, package),
            visibility: package.visibility,
            downloads: package.downloads(),
            dist_tags: package.dist_tags(),
            versions: list.versions,
            version_count: list.total,
        }))
    }

    async fn version_list(
        &self,
        name: &PackageName,
        range: &VersionRange,
        reach: Reach,
    ) -> Result<Option<VersionList>> {
        let list = self.tables().package(name, reach).map(|package| package.list(range, reach));
        Ok(list.filter(|list| list.total > 0))
    }

    async fn version_numbers(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<PublishedVersion>>> {
        let tables = self.tables();
        let Some(package) = tables.packages.get(name).filter(|package| reach.includes(package.visibility)) else {
            return Ok(None);
        };
        let within = |one: &PublishedVersion| reach.includes_version(one.status) || one.status.is_gone_for_all();
        let numbers: Vec<_> = package.published().into_iter().rev().filter(within).collect();
        Ok((!numbers.is_empty()).then_some(numbers))
    }

    async fn tags(&self, name: &PackageName, reach: Reach) -> Result<Option<BTreeMap<DistTag, Version>>> {
        Ok(self.tables().package(name, reach).map(StoredPackage::dist_tags))
    }

    async fn owners(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<Username>>> {
        let tables = self.tables();
        Ok(tables.package(name, reach).map(|package| tables.owner_names(name, package)))
    }

    async fn version(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<VersionDetail>> {
        let tables = self.tables();
        let Some((package, stored)) = tables.version(name, version, reach) else { return Ok(None) };
        let published_by = stored.publisher.clone();
        let published_by = published_by.or_else(|| Some(tables.username(stored.published_by)?.to_string()));
        let tags = package.dist_tags().into_iter().filter(|(_, named)| named == version);
        Ok(Some(VersionDetail {
            package: name.clone(),
            summary: stored.summary(),
            manifest: stored.manifest.clone(),
            published_by: published_by.ok_or_else(|| Error::internal("a version without its publisher"))?,
            yanked_reason: stored.yanked.as_ref().and_then(|yank| yank.reason.clone()),
            archive: stored.archive.clone(),
            dist_tags: tags.map(|(tag, _)| tag).collect(),
            downloads: stored.downloads,
            visibility: package.visibility,
            quarantine: stored.quarantine(&tables),
            eval_results: stored.evals.values().cloned().collect(),
        }))
    }

    async fn located_version(
        &self,
        name: &PackageName,
        version: &Version,
        reach: Reach,
    ) -> Result<Option<LocatedVersion>> {
        Ok(self.version(name, version, reach).await?.map(|detail| {
            let location = detail.location();
            LocatedVersion { summary: detail.summary, location }
        }))
    }

    async fn files(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Vec<ArchiveFile>>> {
        Ok(self.tables().version(name, version, reach).map(|(_, stored)| stored.files.clone()))
    }

    async fn readme(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Option<String>>> {
        Ok(self.tables().version(name, version, reach).map(|(_, stored)| stored.readme.clone()))
    }

    async fn rights(&self, actor: &Actor, name: &PackageName) -> Result<Option<Rights>> {
        Ok(self.tables().package_access(actor, name).rights(actor))
    }

    async fn memberships(&self, user: UserId) -> Result<Arc<Memberships>> {
        let tables = self.tables();
        let role = |scope: &StoredScope| scope.members.get(&user).copied();
        let is_withheld = |version: &StoredVersion| !version.status.is_open();
        let lists = |package: &StoredPackage| {
            package.owners.contains(&user)
                && (package.visibility.is_private() || package.versions.iter().any(is_withheld))
        };
        let listed = tables.packages.iter().filter(|(_, package)| lists(package));
        let versions = tables.packages.values().flat_map(|package| &package.versions);
        let published = versions.filter(|version| version.published_by == user && is_withheld(version));
        let mut published: Vec<_> =
            published.map(|version| (version.manifest.name.clone(), version.manifest.version.key())).collect();
        published.sort();
        published.truncate(Memberships::MAX_PUBLISHED);
        Ok(Arc::new(Memberships {
            scopes: tables.scopes.iter().filter_map(|(name, scope)| Some((name.clone(), role(scope)?))).collect(),
            packages: listed.map(|(name, _)| name.clone()).collect(),
            published,
        }))
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<PackageSummary>> {
        Ok(self.tables().search(query))
    }

    async fn totals(&self) -> Result<RegistryTotals> {
        let tables = self.tables();
        let versions = tables.packages.values().flat_map(|package| &package.versions);
        let versions = || versions.clone().filter(|version| !version.status.is_removed());
        Ok(RegistryTotals {
            packages: tables.packages.len() as u64,
            versions: versions().count() as u64,
            users: tables.users.values().filter(|account| !account.user.username.is_erased()).count() as u64,
            downloads: versions().map(|version| version.downloads).sum(),
            storage_bytes: versions().map(|version| version.archive_size).sum(),
        })
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Tables {
    /// The package of that name within reach.
    pub(super) fn package(&self, name: &PackageName, reach: Reach) -> Option<&StoredPackage> {
        let is_within = |package: &&StoredPackage| {
            reach.includes(package.visibility) && (reach.includes_every_status() || package.has_open_version())
        };
        self.packages.get(name).filter(is_within)
    }

    pub(super) fn version(
        &self,
        name: &PackageName,
        version: &Version,
        reach: Reach,
    ) -> Option<(&StoredPackage, &StoredVersion)> {
        let package = self.package(name, reach)?;
        Some((package, package.version(version).filter(|found| reach.includes_version(found.status))?))
    }

    fn owner_names(&self, name: &PackageName, package: &StoredPackage) -> Vec<Username> {
        let owners = self.owners(name, package).into_iter();
        let mut owners: Vec<_> = owners.filter_map(|user| self.username(user).cloned()).collect();
        owners.sort();
        owners
    }
}

impl StoredPackage {
    /// The location of the archive of one of its versions.
    pub(super) fn location(&self, version: &StoredVersion) -> ArchiveLocation {
        ArchiveLocation {
            package: version.manifest.name.clone(),
            version: version.manifest.version.clone(),
            archive: version.archive.clone(),
            sha256: version.sha256,
            size: version.archive_size,
            visibility: self.visibility,
            status: version.status,
        }
    }

    fn list(&self, range: &VersionRange, reach: Reach) -> VersionList {
        let end = match &range.before {
            None => self.versions.len(),
            Some(before) => {
                self.versions.iter().position(|stored| stored.manifest.version == *before).unwrap_or_default()
            }
        };
        let listed = |versions: &[StoredVersion]| versions.iter().filter(|one| one.is_listed(reach)).count();
        let newest_first =
            || self.versions[..end].iter().rev().filter(|one| one.is_listed(reach)).map(StoredVersion::summary);
        let count = range.bounds.count(newest_first().map(|summary| summary.dependencies_size()));
        VersionList {
            versions: newest_first().take(count).collect(),
            total: listed(&self.versions) as u64,
            has_older: count < listed(&self.versions[..end]),
        }
    }
}

impl StoredVersion {
    fn summary(&self) -> VersionSummary {
        VersionSummary {
            version: self.manifest.version.clone(),
            published_at: self.published_at,
            yanked: self.yanked.is_some(),
            texts: self.texts.clone(),
            sha256: self.sha256,
            archive_size: self.archive_size,
            dependencies: self.manifest.dependencies.clone(),
            status: self.status,
        }
    }

    /// The quarantine that it is in.
    fn quarantine(&self, tables: &Tables) -> Option<Quarantine> {
        let QuarantineState { category, reason, at, by } =
            self.recalls.last().filter(|_| self.status.is_quarantined()).map(|recall| recall.quarantine.clone())?;
        Some(Quarantine { category, reason, at, by: tables.username(by).cloned() })
    }
}
