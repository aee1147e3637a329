//! Registries that share an archive store.

use std::time::Duration;

use aam_registry_core::{
    Error, ErrorCode,
    memory::MemoryArchives,
    ports::{ArchiveContent, ArchiveStore},
    registry::{CleanupOptions, StorageOwner},
    types::{ArchiveKey, UploadId},
};
use bytes::Bytes;

use super::world::{World, archive, name, version};

const NOW: CleanupOptions = CleanupOptions { older_than: Duration::ZERO, dry_run: false, force: true };

/// A registry with its own database on this store.
fn world_on(archives: &MemoryArchives) -> World {
    let world = World::with(|builder, _, _| builder.archives(archives.clone()));
    // Every archive in the store is old for it.
    world.clock.advance(Duration::from_hours(24 * 365 * 10));
    world
}

fn reason(error: &Error) -> String {
    assert_eq!(error.code(), ErrorCode::StorageUnavailable);
    std::error::Error::source(error).expect("a cause").to_string()
}

/// Adds archives that belong to no registry.
async fn strangers(archives: &MemoryArchives, count: usize) {
    for _ in 0..count {
        let mut writer = archives.create(&ArchiveKey::from(UploadId::generate())).await.expect("created");
        writer.write(Bytes::from_static(b"a stranger's")).await.expect("written");
        writer.finish().await.expect("stored");
    }
}

/// Copies the archives of a store without its mark.
async fn copy(from: &MemoryArchives, to: &MemoryArchives) {
    for stored in from.list(None, 10).await.expect("a listing") {
        let Some(ArchiveContent::Bytes(bytes)) = from.open(&stored.key, None).await.expect("opened") else {
            panic!("{stored:?} is not in memory");
        };
        let mut writer = to.create(&stored.key).await.expect("created");
        writer.write(bytes).await.expect("written");
        writer.finish().await.expect("stored");
    }
}

#[tokio::test]
async fn a_store_is_marked_before_the_first_archive_is_written() {
    let archives = MemoryArchives::new();
    let (first, second) = (world_on(&archives), world_on(&archives));
    let (ada, bob) = (first.user("ada").await, second.user("bob").await);
    first.published(&ada, "greet-kit", "1.0.0").await;
    assert_eq!(archives.owner().await.expect("read"), Some(first.registry.id().await.expect("an id")));
    let error = second.publish(&bob, archive("other-kit", "1.0.0")).await.expect_err("refused");
    assert!(reason(&error).contains("of its own"), "{error:?}");
}

#[tokio::test]
async fn what_another_registry_marked_is_neither_cleaned_nor_published_to() {
    let archives = MemoryArchives::new();
    let (first, second) = (world_on(&archives), world_on(&archives));
    let (ada, bob) = (first.user("ada").await, second.user("bob").await);
    second.published(&bob, "other-kit", "1.0.0").await;
    first.registry.adopt_storage().await.expect("adopted");
    first.published(&ada, "greet-kit", "1.0.0").await;

    let (one, two) = (first.registry.id().await.expect("an id"), second.registry.id().await.expect("an id"));
    assert_eq!(second.registry.claim_storage().await.expect("looked"), StorageOwner::Another(one));
    for dry_run in [true, false] {
        let options = CleanupOptions { dry_run, ..NOW };
        let error = second.registry.clean_storage(options, |garbage| panic!("{garbage:?}")).await.expect_err("refused");
        let told = reason(&error);
        assert!(told.contains(&one.to_string()) && told.contains(&two.to_string()), "{told}");
        assert!(told.contains("aam-registry storage adopt"), "{told}");
    }
    // The cleanup of the first registry would delete it.
    let error = second.publish(&bob, archive("other-kit", "1.1.0")).await.expect_err("refused");
    assert!(reason(&error).contains("of its own"), "{error:?}");
    assert!(second.registry.check_storage().await.is_err());
    let location = second.view().locate(&name("other-kit"), &version("1.0.0")).await.expect("located");
    second.registry.open_archive(&location, None).await.expect("reads go on");
    let verified = second.registry.verify_storage(true, |_, damage| assert_eq!(damage, None)).await;
    let report = verified.expect("it may be verified");
    assert_eq!((report.damaged, report.foreign, report.is_good()), (0, Some(one), false));

    // The operator lets the second registry take it over.
    assert_eq!(second.registry.adopt_storage().await.expect("adopted"), Some(one));
    second.published(&bob, "other-kit", "1.1.0").await;
    assert_eq!(second.registry.claim_storage().await.expect("looked"), StorageOwner::ThisRegistry);
    assert_eq!(first.registry.claim_storage().await.expect("looked"), StorageOwner::Another(two));
    first.registry.clean_storage(NOW, |garbage| panic!("{garbage:?}")).await.expect_err("it is the second's now");
}

#[tokio::test]
async fn a_store_without_a_mark_is_claimed_by_whose_archives_lie_there() {
    for (strange, owner) in
        [(0, StorageOwner::ThisRegistry), (2, StorageOwner::ThisRegistry), (3, StorageOwner::Unclear)]
    {
        let marked = MemoryArchives::new();
        let before = world_on(&marked);
        let ada = before.user("ada").await;
        for number in ["1.0.0", "1.1.0"] {
            before.published(&ada, "greet-kit", number).await;
        }
        let archives = MemoryArchives::new();
        copy(&marked, &archives).await;
        strangers(&archives, strange).await;
        let world = World::with(|builder, _, _| builder.database(before.database.clone()).archives(archives.clone()));
        world.clock.advance(Duration::from_hours(24 * 365 * 10));
        assert_eq!(world.registry.claim_storage().await.expect("looked"), owner, "{strange}");
        let is_marked = archives.owner().await.expect("read").is_some();
        assert_eq!(is_marked, owner == StorageOwner::ThisRegistry, "{strange}");
        let cleaned = world.registry.clean_storage(NOW, |_| {}).await;
        assert_eq!(cleaned.is_ok(), is_marked, "{strange}");
        world.published(&ada, "greet-kit", "2.0.0").await;
        if let Err(error) = cleaned {
            assert!(reason(&error).contains("aam-registry storage adopt"), "{error:?}");
            assert_eq!(world.registry.adopt_storage().await.expect("adopted"), None);
            world.registry.clean_storage(NOW, |_| {}).await.expect("it is ours now");
        }
    }
}

#[tokio::test]
async fn archives_of_which_the_database_knows_nothing_are_no_good_store() {
    let archives = MemoryArchives::new();
    let world = world_on(&archives);
    let verified = async || world.registry.verify_storage(false, |_, _| {}).await.expect("verified");
    assert!(verified().await.is_good(), "where there is nothing at all nothing is missing");
    strangers(&archives, 2).await;
    let report = verified().await;
    assert_eq!((report.checked, report.stray, report.is_good()), (0, 2, false));
    assert_eq!(archives.owner().await.expect("looked"), None, "nothing was changed");
    // Beside versions they are what failed uploads left.
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    let report = verified().await;
    assert_eq!((report.checked, report.stray, report.is_good()), (1, 2, true));
}
