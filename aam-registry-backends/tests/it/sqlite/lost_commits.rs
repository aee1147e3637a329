//! Cached locations of archives after the database lost commits.

use std::path::Path;

use aam_registry_backends::sqlite::SqliteMetadata;
use aam_registry_core::{
    decide::Audience,
    decorate::{CachedMetadata, MetadataCacheConfig},
    memory::MemoryChanges,
    ports::{ArchiveIndex, ChangeFeed, PackageStore},
    types::{Actor, ArchiveLocation, Change, PackageName, Reach, Version},
};
use serde_json::json;
use tempfile::TempDir;

use super::world::{actor, config, open, publish};

/// A cache, and the database behind it, which is restored to an older state.
struct Behind {
    cached: CachedMetadata<SqliteMetadata>,
    database: SqliteMetadata,
    owner: Actor,
    feed: MemoryChanges,
    folder: TempDir,
}

impl Behind {
    async fn new() -> Self {
        Self::with(MetadataCacheConfig::default()).await
    }

    async fn with(config: MetadataCacheConfig) -> Self {
        let (folder, feed) = (tempfile::tempdir().expect("a folder"), MemoryChanges::new());
        let database = open(folder.path()).await;
        let owner = actor(&database, "owner").await;
        publish(&database, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
        let cached = CachedMetadata::builder(open(folder.path()).await).config(config).changes(feed.clone()).start();
        while cached.freshness().mark(&kit()).is_none() {
            tokio::task::yield_now().await;
        }
        let behind = Self { cached, database, owner, feed, folder };
        behind.kept().await;
        behind
    }

    /// Publishes the version once more, behind the cache, after every publish was lost.
    async fn publish_again(&self) -> ArchiveLocation {
        lose_publishes(self.folder.path());
        publish(&self.database, &self.owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
        self.database.archive_location(&kit(), &one(), Audience::Everyone).await.expect("read").expect("a version")
    }

    /// The location of the archive that the cache returns.
    async fn kept(&self) -> ArchiveLocation {
        self.cached.archive_location(&kit(), &one(), Audience::Everyone).await.expect("read").expect("a version")
    }

    /// Waits until the cache has noticed a change, which its answer shows.
    async fn says(&self, location: &ArchiveLocation) {
        let heard = async {
            while self.kept().await != *location {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), heard).await.expect("it hears");
    }
}

fn kit() -> PackageName {
    "greet-kit".parse().expect("a name")
}

fn one() -> Version {
    "1.0.0".parse().expect("a version")
}

fn lose_publishes(folder: &Path) {
    let database = rusqlite::Connection::open(config(folder).path()).expect("open");
    let tables =
        ["versions", "packages", "package_owners", "manifests", "contents", "dist_tags", "listings", "uploads"];
    let lose = tables.map(|table| format!("DELETE FROM {table};")).concat();
    database.execute_batch(&format!("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE; {lose} COMMIT")).expect("delete");
}

#[tokio::test]
async fn a_change_that_is_told_of_makes_the_cache_ask_again() {
    let behind = Behind::new().await;
    for change in [Change::Package(kit()), Change::Everything] {
        let before = behind.kept().await;
        let after = behind.publish_again().await;
        assert_eq!(behind.kept().await, before, "nobody told of it");
        behind.feed.announce(&Change::Package("other-kit".parse().expect("a name"))).await.expect("announce");
        behind.feed.announce(&change).await.expect("announce");
        behind.says(&after).await;
    }
}

#[tokio::test]
async fn a_publish_through_the_cache_makes_it_ask_again() {
    let behind = Behind::new().await;
    let before = behind.kept().await;
    lose_publishes(behind.folder.path());
    assert_eq!(behind.kept().await, before, "nobody told of it");
    publish(&behind.cached, &behind.owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    assert_ne!(behind.kept().await.archive, before.archive);
}

#[tokio::test]
async fn metadata_that_names_another_archive_is_believed() {
    for way in ["version", "versions", "package"] {
        let behind = Behind::new().await;
        let after = behind.publish_again().await;
        let (cached, kit) = (&behind.cached, kit());
        match way {
            "version" => drop(cached.version(&kit, &one(), Reach::Public).await.expect("read")),
            "versions" => drop(cached.versions(&kit, Reach::Public).await.expect("read")),
            _ => drop(cached.package(&kit, Reach::Public).await.expect("read")),
        }
        assert_eq!(behind.kept().await, after, "{way}");
    }
}

#[tokio::test]
async fn a_version_that_is_no_more_is_forgotten() {
    let behind = Behind::new().await;
    lose_publishes(behind.folder.path());
    behind.feed.announce(&Change::Everything).await.expect("announce");
    let forgotten = async {
        while behind.cached.archive_location(&kit(), &one(), Audience::Everyone).await.expect("read").is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), forgotten).await.expect("it hears");
}

#[tokio::test]
async fn while_the_database_fails_what_was_last_read_stands_for_as_long_as_was_set() {
    let minutes = std::time::Duration::from_mins(15);
    for (stale_reads, stands) in [(minutes, true), (std::time::Duration::ZERO, false)] {
        let behind = Behind::with(MetadataCacheConfig::default().with_stale_reads(stale_reads)).await;
        let (before, freshness) = (behind.kept().await, behind.cached.freshness());
        let mark = freshness.location_mark(&kit());
        let database = rusqlite::Connection::open(config(behind.folder.path()).path()).expect("open");
        database.execute_batch("ALTER TABLE versions RENAME TO versions_gone").expect("renamed");
        assert_eq!(behind.kept().await, before, "nothing has changed as far as is known");
        behind.feed.announce(&Change::Everything).await.expect("announce");
        while freshness.locates(&mark) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        for _ in 0..3 {
            let located = behind.cached.archive_location(&kit(), &one(), Audience::Everyone).await;
            assert_eq!(located.ok().flatten(), stands.then(|| before.clone()), "{stale_reads:?}");
            let for_members = behind.cached.archive_location(&kit(), &one(), Audience::Members).await;
            assert!(for_members.is_err(), "what not everybody may read fails at once");
        }
        let never_read =
            behind.cached.archive_location(&"other-kit".parse().expect("a name"), &one(), Audience::Everyone).await;
        assert!(never_read.is_err(), "an outage is never \"not found\"");
        database.execute_batch("ALTER TABLE versions_gone RENAME TO versions").expect("renamed");
        behind.says(&before).await;
    }
}
