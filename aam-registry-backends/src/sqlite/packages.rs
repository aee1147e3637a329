use std::{collections::BTreeMap, sync::Arc};

use aam_registry_core::{
    Result,
    decide::Rights,
    ports::PackageStore,
    types::{
        Actor, ArchiveFile, DistTag, LocatedVersion, Memberships, Package, PackageName, PackageSummary, Page,
        PublishedVersion, Reach, RegistryTotals, SearchQuery, UserId, Username, Version, VersionBounds, VersionDetail,
        VersionList, VersionRange, Visibility,
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
use crate::relational::columns;

#[async_trait]
impl PackageStore for SqliteMetadata {
    async fn package(&self, name: &PackageName, reach: Reach) -> Result<Option<Package>> {
        let name = name.clone();
        self.read_document(move |tx| package(tx, &name, reach)).await
    }

    async fn version_list(
        &self,
        name: &PackageName,
        range: &VersionRange,
        reach: Reach,
    ) -> Result<Option<VersionList>> {
        let (name, range) = (name.clone(), range.clone());
        self.read_document(move |tx| {
            let Some(id) = facts::package_in_reach(tx, &name, reach)? else { return Ok(None) };
            let list = versions::list(tx, id, &range, reach)?;
            Ok((list.total > 0).then_some(list))
        })
        .await
    }

    async fn version_numbers(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<PublishedVersion>>> {
        let name = name.clone();
        self.read_document(move |tx| {
            let query = "SELECT id FROM packages WHERE name = ?1 AND (NOT private OR ?2)";
            let Some(id) = sql::first(tx, query, (name.as_str(), reach.includes_private()), sql::value)? else {
                return Ok(None);
            };
            let numbers = versions::numbers(tx, id, reach)?;
            Ok((!numbers.is_empty()).then_some(numbers))
        })
        .await
    }

    async fn tags(&self, name: &PackageName, reach: Reach) -> Result<Option<BTreeMap<DistTag, Version>>> {
        let name = name.clone();
        self.read(move |tx| {
            let Some(id) = facts::package_in_reach(tx, &name, reach)? else { return Ok(None) };
            Ok(Some(tags(tx, id)?.into_iter().map(|(tag, (version, _))| (tag, version)).collect()))
        })
        .await
    }

    async fn owners(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<Username>>> {
        let name = name.clone();
        self.read(move |tx| facts::package_in_reach(tx, &name, reach)?.map(|id| owners(tx, id)).transpose()).await
    }

    async fn version(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<VersionDetail>> {
        let (name, version) = (name.clone(), version.clone());
        self.read_document(move |tx| versions::detail(tx, &name, &version, reach)).await
    }

    async fn located_version(
        &self,
        name: &PackageName,
        version: &Version,
        reach: Reach,
    ) -> Result<Option<LocatedVersion>> {
        let (name, version) = (name.clone(), version.clone());
        self.read(move |tx| versions::located(tx, &name, &version, reach)).await
    }

    async fn files(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Vec<ArchiveFile>>> {
        let (name, version) = (name.clone(), version.clone());
        self.read_document(move |tx| versions::files(tx, &name, &version, reach)).await
    }

    async fn readme(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Option<String>>> {
        let (name, version) = (name.clone(), version.clone());
        self.read_document(move |tx| versions::readme(tx, &name, &version, reach)).await
    }

    async fn rights(&self, actor: &Actor, name: &PackageName) -> Result<Option<Rights>> {
        let (actor, name) = (actor.clone(), name.clone());
        self.read(move |tx| Ok(facts::access(tx, &actor, &name)?.0.rights(&actor))).await
    }

    async fn memberships(&self, user: UserId) -> Result<Arc<Memberships>> {
        let memberships = self.read(move |tx| {
            let user = user.to_string();
            let scopes = "SELECT scope, role FROM scope_members WHERE user_id = ?1 ORDER BY scope";
            let packages = "SELECT p.name FROM package_owners o JOIN packages p ON p.id = o.package_id
                            WHERE o.user_id = ?1 AND (p.private OR EXISTS (
                                SELECT 1 FROM versions v WHERE v.package_id = p.id AND v.status <> 'approved'))
                            ORDER BY p.name";
            let published = "SELECT p.name, withheld.version_key FROM (
                                 SELECT package_id, version_key FROM versions
                                 WHERE published_by = ?1 AND status <> 'approved' ORDER BY id DESC LIMIT ?2
                             ) withheld JOIN packages p ON p.id = withheld.package_id ORDER BY 1, 2";
            let most = columns::limit(Memberships::MAX_PUBLISHED);
            Ok(Memberships {
                scopes: sql::all(tx, scopes, [&user], |row| {
                    Ok((sql::parsed(row, 0)?, sql::coded(row, 1, columns::role)?))
                })?,
                packages: sql::all(tx, packages, [&user], |row| sql::parsed(row, 0))?,
                published: sql::all(tx, published, (&user, most), |row| Ok((sql::parsed(row, 0)?, row.get(1)?)))?,
            })
        });
        memberships.await.map(Arc::new)
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

fn package(tx: &Connection, name: &PackageName, reach: Reach) -> Tx<Option<Package>> {
    let query = "SELECT id, created_at, updated_at, downloads, private FROM packages
                 WHERE name = ?1 AND (NOT private OR ?2)";
    let found = sql::first(tx, query, (name.as_str(), reach.includes_private()), |row| {
        let (id, visibility): (PackageId, _) = (row.get(0)?, Visibility::of(row.get(4)?));
        Ok((id, sql::instant(row, 1)?, sql::instant(row, 2)?, sql::unsigned(row, 3)?, visibility))
    })?;
    let Some((id, created_at, updated_at, downloads, visibility)) = found else { return Ok(None) };
    let tags = tags(tx, id)?;
    let shown = match tags.get(&DistTag::latest()) {
        Some((_, latest)) => Some(*latest),
        None => versions::newest(tx, id, reach)?,
    };
    // One that has no version to show is not found.
    let Some(shown) = shown else { return Ok(None) };
    let list = versions::list(tx, id, &VersionRange { before: None, bounds: VersionBounds::LISTED }, reach)?;
    Ok(Some(Package {
        name: name.clone(),
        manifest: versions::manifest(tx, shown)?,
        created_at,
        updated_at,
        owners: owners(tx, id)?,
        visibility,
        downloads,
        dist_tags: tags.into_iter().map(|(tag, (version, _))| (tag, version)).collect(),
        versions: list.versions,
        version_count: list.total,
    }))
}
