use std::collections::BTreeMap;

use aam_registry_core::{
    Result,
    decide::{PackageAccess, Rights},
    ports::PackageStore,
    types::{
        Actor, ArchiveFile, DistTag, Package, PackageName, PackageSummary, Page, PublishedVersion, RegistryTotals,
        SearchQuery, Username, Version, VersionBounds, VersionDetail, VersionList, VersionRange, Visibility,
    },
};
use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    SqliteMetadata, facts,
    failure::{Failure, Tx},
    ids::{PackageId, VersionId},
    search, sql, versions,
};

#[async_trait]
impl PackageStore for SqliteMetadata {
    async fn package(&self, name: &PackageName) -> Result<Option<Package>> {
        let name = name.clone();
        self.read(move |tx| package(tx, &name)).await
    }

    async fn version_list(&self, name: &PackageName, range: &VersionRange) -> Result<Option<VersionList>> {
        let (name, range) = (name.clone(), range.clone());
        self.read(move |tx| facts::package_id(tx, &name)?.map(|id| versions::list(tx, id, &range)).transpose()).await
    }

    async fn version_numbers(&self, name: &PackageName) -> Result<Option<Vec<PublishedVersion>>> {
        let name = name.clone();
        self.read(move |tx| facts::package_id(tx, &name)?.map(|id| versions::numbers(tx, id)).transpose()).await
    }

    async fn tags(&self, name: &PackageName) -> Result<Option<BTreeMap<DistTag, Version>>> {
        let name = name.clone();
        self.read(move |tx| {
            let Some(id) = facts::package_id(tx, &name)? else { return Ok(None) };
            Ok(Some(tags(tx, id)?.into_iter().map(|(tag, (version, _))| (tag, version)).collect()))
        })
        .await
    }

    async fn owners(&self, name: &PackageName) -> Result<Option<Vec<Username>>> {
        let name = name.clone();
        self.read(move |tx| facts::package_id(tx, &name)?.map(|id| owners(tx, id)).transpose()).await
    }

    async fn version(&self, name: &PackageName, version: &Version) -> Result<Option<VersionDetail>> {
        let (name, version) = (name.clone(), version.clone());
        self.read(move |tx| versions::detail(tx, &name, &version)).await
    }

    async fn files(&self, name: &PackageName, version: &Version) -> Result<Option<Vec<ArchiveFile>>> {
        let (name, version) = (name.clone(), version.clone());
        self.read(move |tx| versions::files(tx, &name, &version)).await
    }

    async fn readme(&self, name: &PackageName, version: &Version) -> Result<Option<Option<String>>> {
        let (name, version) = (name.clone(), version.clone());
        self.read(move |tx| versions::readme(tx, &name, &version)).await
    }

    async fn rights(&self, actor: &Actor, name: &PackageName) -> Result<Option<Rights>> {
        let (actor, name) = (actor.clone(), name.clone());
        self.read(move |tx| {
            let (PackageAccess { caller, package_owner, scope_role, package }, _) = facts::access(tx, &actor, &name)?;
            Ok(package.map(|_| Rights {
                admin: caller.administers(&actor),
                package_owner,
                scope_role,
                ..Rights::default()
            }))
        })
        .await
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<PackageSummary>> {
        let query = query.clone();
        self.read_index(move |tx, index| search::search(tx, index, &query)).await
    }

    async fn totals(&self) -> Result<RegistryTotals> {
        self.read(|tx| {
            let query = "SELECT packages, versions, users, downloads, storage_bytes FROM registry_totals";
            let totals = sql::first(tx, query, [], |row| {
                Ok(RegistryTotals {
                    packages: sql::unsigned(row, 0)?,
                    versions: sql::unsigned(row, 1)?,
                    users: sql::unsigned(row, 2)?,
                    downloads: sql::unsigned(row, 3)?,
                    storage_bytes: sql::unsigned(row, 4)?,
                })
            })?;
            totals.ok_or_else(|| Failure::Corrupt("the totals are missing".into()))
        })
        .await
    }

    async fn check(&self) -> Result<()> {
        self.check_both().await
    }
}

/// The owners of a package, by name: its own and those of its scope.
pub(super) fn owners(tx: &Connection, id: PackageId) -> Tx<Vec<Username>> {
    let query = "SELECT u.username FROM package_owners o JOIN users u ON u.id = o.user_id WHERE o.package_id = ?1
                 UNION
                 SELECT u.username FROM packages p JOIN scope_members m ON m.scope = p.scope AND m.role = 'owner'
                 JOIN users u ON u.id = m.user_id WHERE p.id = ?1
                 ORDER BY 1";
    sql::all(tx, query, [id], |row| sql::parsed(row, 0))
}

/// The dist-tags of a package and the versions they name.
fn tags(tx: &Connection, id: PackageId) -> Tx<BTreeMap<DistTag, (Version, VersionId)>> {
    let query = "SELECT t.tag, v.version, v.id FROM dist_tags t JOIN versions v ON v.id = t.version_id
                 WHERE t.package_id = ?1";
    sql::all(tx, query, [id], |row| Ok((sql::parsed(row, 0)?, (sql::parsed(row, 1)?, row.get(2)?))))
}

fn package(tx: &Connection, name: &PackageName) -> Tx<Option<Package>> {
    let query = "SELECT id, created_at, updated_at, downloads FROM packages WHERE name = ?1";
    let found = sql::first(tx, query, [name.as_str()], |row| {
        let id: PackageId = row.get(0)?;
        Ok((id, sql::instant(row, 1)?, sql::instant(row, 2)?, sql::unsigned(row, 3)?))
    })?;
    let Some((id, created_at, updated_at, downloads)) = found else { return Ok(None) };
    let tags = tags(tx, id)?;
    let shown = match tags.get(&DistTag::latest()) {
        Some((_, latest)) => *latest,
        None => versions::newest(tx, id)?,
    };
    let list = versions::list(tx, id, &VersionRange { before: None, bounds: VersionBounds::LISTED })?;
    Ok(Some(Package {
        name: name.clone(),
        manifest: versions::manifest(tx, shown)?,
        created_at,
        updated_at,
        owners: owners(tx, id)?,
        visibility: Visibility::Public,
        downloads,
        dist_tags: tags.into_iter().map(|(tag, (version, _))| (tag, version)).collect(),
        versions: list.versions,
        version_count: list.total,
    }))
}
