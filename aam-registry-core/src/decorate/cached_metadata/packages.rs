//! Reads of packages and archives.

#![deny(clippy::missing_trait_methods)]

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::time::timeout;

use super::{
    CachedMetadata,
    counters::count,
    kept::{CREDENTIAL_LIFETIME, KeptLocation, NameIn, VersionIn},
    outage::Outage,
};
use crate::{
    decide::{Audience, Rights},
    error::{Error, Result},
    ports::{ArchiveIndex, Database, PackageStore},
    types::{
        Actor, ArchiveFile, ArchiveKey, ArchiveLocation, DistTag, LocatedVersion, Memberships, Package, PackageName,
        PackageSummary, Page, PublishedVersion, Reach, RegistryId, RegistryTotals, SearchQuery, UserId, Username,
        Version, VersionDetail, VersionList, VersionRange, VersionSummary,
    },
};

#[async_trait]
impl<D: Database> PackageStore for CachedMetadata<D> {
    async fn package(&self, name: &PackageName, reach: Reach) -> Result<Option<Package>> {
        let (read, key) = (self.inner.database.package(name, reach), NameIn(reach, name));
        self.read_package(&self.inner.kept.packages, &key, || key.to_owned(), (reach, "package", ""), name, read).await
    }

    async fn version_list(
        &self,
        name: &PackageName,
        range: &VersionRange,
        reach: Reach,
    ) -> Result<Option<VersionList>> {
        let list = self.inner.database.version_list(name, range, reach).await?;
        if let Some(list) = &list {
            self.hold_locations_to(name, &list.versions);
        }
        Ok(list)
    }

    async fn version_numbers(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<PublishedVersion>>> {
        let (read, key) = (self.inner.database.version_numbers(name, reach), NameIn(reach, name));
        self.read_package(&self.inner.kept.numbers, &key, || key.to_owned(), (reach, "numbers", ""), name, read).await
    }

    async fn tags(&self, name: &PackageName, reach: Reach) -> Result<Option<BTreeMap<DistTag, Version>>> {
        let (read, key) = (self.inner.database.tags(name, reach), NameIn(reach, name));
        self.read_package(&self.inner.kept.tags, &key, || key.to_owned(), (reach, "tags", ""), name, read).await
    }

    async fn owners(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<Username>>> {
        self.inner.database.owners(name, reach).await
    }

    async fn versions(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<VersionSummary>>> {
        let (read, key) = (self.inner.database.versions(name, reach), NameIn(reach, name));
        self.read_package(&self.inner.kept.lists, &key, || key.to_owned(), (reach, "versions", ""), name, read).await
    }

    async fn version(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<VersionDetail>> {
        let read = self.inner.database.version(name, version, reach);
        let key = VersionIn(reach, name, version);
        let shared = version.key();
        self.read_package(&self.inner.kept.versions, &key, || key.to_owned(), (reach, "version", &shared), name, read)
            .await
    }

    async fn located_version(
        &self,
        name: &PackageName,
        version: &Version,
        reach: Reach,
    ) -> Result<Option<LocatedVersion>> {
        let read = self.inner.database.located_version(name, version, reach);
        let key = VersionIn(reach, name, version);
        let shared = version.key();
        self.read_package(&self.inner.kept.located, &key, || key.to_owned(), (reach, "located", &shared), name, read)
            .await
    }

    async fn files(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Vec<ArchiveFile>>> {
        self.inner.database.files(name, version, reach).await
    }

    async fn readme(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Option<String>>> {
        self.inner.database.readme(name, version, reach).await
    }

    async fn rights(&self, actor: &Actor, name: &PackageName) -> Result<Option<Rights>> {
        self.inner.database.rights(actor, name).await
    }

    async fn memberships(&self, user: UserId) -> Result<Arc<Memberships>> {
        let kept = &self.inner.kept;
        let (mark, read_at) = (kept.membership_mark(), Instant::now());
        if let Some(known) = self.known_memberships(user) {
            return Ok(known);
        }
        let memberships = self.inner.database.memberships(user).await?;
        let weight = 1 + (memberships.scopes.len() + memberships.packages.len() + memberships.published.len()) as u64;
        kept.memberships.keep(user, Arc::clone(&memberships), mark, read_at, weight);
        Ok(memberships)
    }

    fn known_memberships(&self, user: UserId) -> Option<Arc<Memberships>> {
        let kept = &self.inner.kept;
        let entry = kept.memberships.get(&user, CREDENTIAL_LIFETIME)?;
        (entry.holds_by == kept.membership_mark()).then(|| Arc::clone(&entry.value))
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<PackageSummary>> {
        self.inner.database.search(query).await
    }

    async fn totals(&self) -> Result<RegistryTotals> {
        self.inner.database.totals().await
    }

    async fn check(&self) -> Result<()> {
        self.inner.database.check().await
    }
}

#[async_trait]
impl<D: Database> ArchiveIndex for CachedMetadata<D> {
    async fn archive_location(
        &self,
        name: &PackageName,
        version: &Version,
        audience: Audience,
    ) -> Result<Option<ArchiveLocation>> {
        let (locations, freshness) = (&self.inner.kept.locations, &self.inner.around.freshness);
        let key = VersionIn(audience.reach(), name, version);
        let known = locations.get(&key);
        let kept = known.as_ref().filter(|kept| kept.is_current(freshness));
        count("location", kept.is_some());
        if let Some(kept) = kept {
            return Ok(Some(kept.location.clone()));
        }
        // What was last known stands for a while without the database, so that downloads go on; whoever
        // reads it again finds what the database has then. It stands for what everybody may read alone:
        // whether somebody may still read what members may, or see what is private, only the database knows.
        let known = known.filter(|_| audience == Audience::Everyone);
        let (outage, standing) = (&self.inner.outage, known.filter(|kept| self.may_stand(kept)));
        if let Some(kept) = standing.as_ref().filter(|_| !outage.is_to_be_asked()) {
            return Ok(Some(kept.location.clone()));
        }
        // Before the read: what changes after this makes stale what the read gave.
        let (mark, read_at) = (freshness.location_mark(name), Instant::now());
        let read = self.inner.database.archive_location(name, version, audience);
        let read = match &standing {
            None => Some(read.await),
            Some(_) => timeout(Outage::PATIENCE, read).await.ok(),
        };
        let location = match read {
            Some(Err(Error::Backend(error))) => {
                outage.note();
                // Asked again: with this failure the outage may have lasted too long.
                let standing = standing.filter(|kept| self.may_stand(kept));
                return standing.map_or(Err(Error::Backend(error)), |kept| Ok(Some(kept.location.clone())));
            }
            None => {
                outage.note();
                return Ok(standing.map(|kept| kept.location.clone()));
            }
            Some(read) => read?,
        };
        outage.end();
        match &location {
            Some(location) => {
                let kept = KeptLocation { location: location.clone(), mark, read_at };
                locations.insert(key.to_owned(), Arc::new(kept));
            }
            None => drop(locations.remove(&key)),
        }
        Ok(location)
    }

    async fn published_archives(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<ArchiveLocation>> {
        self.inner.database.published_archives(after, limit).await
    }

    async fn unreferenced_archives(&self, keys: &[ArchiveKey]) -> Result<Vec<ArchiveKey>> {
        self.inner.database.unreferenced_archives(keys).await
    }

    async fn registry_id(&self) -> Result<RegistryId> {
        self.inner.database.registry_id().await
    }
}

impl<D: Database> CachedMetadata<D> {
    /// Whether what is known of a location may be told without the database. It was
    /// right when it was read, and for as long after that as changes were heard of.
    fn may_stand(&self, kept: &KeptLocation) -> bool {
        let inner = &*self.inner;
        let (longest, unheard) = (inner.config.stale_reads(), inner.around.freshness.unheard_for());
        let in_doubt = unheard.max(inner.outage.lasts()).unwrap_or(Duration::ZERO);
        in_doubt < longest || kept.read_at.elapsed() < longest
    }
}
