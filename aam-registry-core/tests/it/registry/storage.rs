use std::time::Duration;

use aam_registry_core::{
    ports::{ArchiveStore, PublishStore},
    registry::{CleanupOptions, CleanupReport, Damage, GarbageFate, GarbageKind, Suspicion, VerifyReport},
    types::{ArchiveKey, ArchiveLocation, NewUpload, UploadId},
};
use bytes::Bytes;
use jiff::Timestamp;

use super::world::{World, archive, name, version};

/// The store reports times of the machine's clock, so the registry's clock is set to it.
fn world() -> World {
    let world = World::new();
    let behind = Timestamp::now().duration_since("2026-01-31T23:00:00Z".parse().expect("time"));
    world.clock.advance(behind.unsigned_abs());
    world
}

async fn store(world: &World, bytes: &'static [u8]) -> ArchiveKey {
    let key = ArchiveKey::from(UploadId::generate());
    let mut writer = world.archives.create(&key).await.expect("created");
    writer.write(Bytes::from_static(bytes)).await.expect("written");
    writer.finish().await.expect("stored");
    key
}

const NOW: CleanupOptions = CleanupOptions { older_than: Duration::ZERO, dry_run: false, force: false };

#[tokio::test]
async fn only_what_nothing_refers_to_and_is_old_is_deleted() {
    let world = world();
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    let mut live = world.registry.begin_publish(&ada, None).await.expect("begun");
    let bytes = archive("greet-kit", "1.1.0");
    live.write(Bytes::copy_from_slice(&bytes[..50])).await.expect("written");
    let orphan = store(&world, b"nobody's").await;
    let recorded = store(&world, b"of an upload that is recorded").await;
    let id = recorded.upload_id();
    let upload = NewUpload { id, user: ada.user, lease: Duration::ZERO };
    world.database.begin_upload(&upload).await.expect("recorded");
    let unfinished = ArchiveKey::from(UploadId::generate());
    let mut writer = world.archives.create(&unfinished).await.expect("created");
    writer.write(Bytes::from_static(b"half")).await.expect("written");

    let options = CleanupOptions { force: true, ..CleanupOptions::default() };
    let report = world.registry.clean_storage(options, |_| panic!("too young")).await;
    assert_eq!(report.expect("cleaned"), CleanupReport { scanned: 5, ..CleanupReport::default() });
    world.clock.advance(Duration::from_hours(25));

    let mut told = Vec::new();
    let dry = CleanupOptions { dry_run: true, ..options };
    let report = world.registry.clean_storage(dry, |garbage| told.push(garbage.clone())).await.expect("cleaned");
    let suspicion = Some(Suspicion { archives: 1, of: 3 });
    let expected = CleanupReport { scanned: 5, archives: 1, unfinished: 1, bytes: 12, failed: 0, suspicion };
    assert_eq!(report, expected);
    assert!(told.iter().all(|garbage| garbage.fate == GarbageFate::WouldBeDeleted), "{told:?}");
    let seen: Vec<_> = told.iter().map(|garbage| (garbage.kind, garbage.stored.key.clone())).collect();
    assert_eq!(seen, [(GarbageKind::Archive, orphan), (GarbageKind::Unfinished, unfinished)]);
    assert_eq!(world.stored_archives().await, 3, "nothing was deleted");

    let report = world.registry.clean_storage(options, |_| {}).await.expect("cleaned");
    assert_eq!(report, expected);
    let report = world.registry.clean_storage(options, |_| {}).await.expect("cleaned");
    assert_eq!(report, CleanupReport { scanned: 3, ..CleanupReport::default() }, "the second finds nothing");
    assert_eq!(world.stored_archives().await, 2);
    drop(writer);
}

/// For example if the database was restored from an older state, or belongs to another registry.
#[tokio::test]
async fn so_much_is_not_deleted_unless_it_is_forced() {
    let world = world();
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    world.registry.adopt_storage().await.expect("marked");
    for _ in 0..3 {
        store(&world, b"nobody's").await;
    }
    world.clock.advance(Duration::from_hours(25));
    let suspicion = Some(Suspicion { archives: 3, of: 4 });
    let expected = CleanupReport { scanned: 4, archives: 3, bytes: 24, suspicion, ..CleanupReport::default() };
    let report = world.registry.clean_storage(NOW, |garbage| panic!("{garbage:?}")).await.expect("looked");
    assert_eq!((report, world.stored_archives().await), (expected, 4));
    let dry = CleanupOptions { dry_run: true, ..NOW };
    assert_eq!(world.registry.clean_storage(dry, |_| {}).await.expect("looked"), expected);
    let forced = CleanupOptions { force: true, ..NOW };
    assert_eq!(world.registry.clean_storage(forced, |_| {}).await.expect("cleaned"), expected);
    assert_eq!(world.stored_archives().await, 1);
}

#[tokio::test]
async fn an_upload_under_way_survives_a_cleanup_of_everything() {
    let world = world();
    let ada = world.user("ada").await;
    let bytes = archive("greet-kit", "1.0.0");
    let mut publish = world.registry.begin_publish(&ada, None).await.expect("begun");
    for chunk in bytes.chunks(20) {
        publish.write(Bytes::copy_from_slice(chunk)).await.expect("written");
        world.registry.clean_storage(NOW, |garbage| panic!("{garbage:?}")).await.expect("cleaned");
    }
    publish.finish(aam_registry_core::registry::PublishOptions::default()).await.expect("published");
    world.registry.clean_storage(NOW, |garbage| panic!("{garbage:?}")).await.expect("cleaned");
    let location = world.view().locate(&name("greet-kit"), &version("1.0.0")).await.expect("located");
    world.registry.open_archive(&location, None).await.expect("its archive stands");
}

async fn damage(world: &World, deep: bool) -> (VerifyReport, Vec<(ArchiveLocation, Damage)>) {
    let mut damaged = Vec::new();
    let report = world
        .registry
        .verify_storage(deep, |location, damage| damaged.extend(damage.map(|damage| (location.clone(), damage))))
        .await
        .expect("verified");
    (report, damaged)
}

#[tokio::test]
async fn every_damage_is_told() {
    let world = world();
    let ada = world.user("ada").await;
    let mut locations = Vec::new();
    for number in ["1.0.0", "1.1.0", "1.2.0", "1.3.0"] {
        world.published(&ada, "greet-kit", number).await;
        locations.push(world.view().locate(&name("greet-kit"), &version(number)).await.expect("located"));
    }
    let bytes = locations.iter().map(|location| location.size).sum();
    let clean = VerifyReport { checked: 4, bytes, ..VerifyReport::default() };
    assert_eq!(damage(&world, true).await, (clean, Vec::new()));

    let replace = async |location: &ArchiveLocation, bytes: Option<Vec<u8>>| {
        world.archives.delete(&location.archive).await.expect("deleted");
        let Some(bytes) = bytes else { return };
        let mut writer = world.archives.create(&location.archive).await.expect("created");
        writer.write(bytes.into()).await.expect("written");
        writer.finish().await.expect("stored");
    };
    let mut flipped = archive("greet-kit", "1.1.0");
    flipped[30] ^= 1;
    let digest = aam_registry_core::types::Sha256Digest::of(&flipped);
    replace(&locations[0], None).await;
    replace(&locations[1], Some(flipped)).await;
    replace(&locations[2], Some(b"short".to_vec())).await;

    let by_version = |mut found: Vec<(ArchiveLocation, Damage)>| {
        found.sort_by(|a, b| a.0.version.cmp(&b.0.version));
        found
    };
    let [missing, short] = [(locations[0].clone(), Damage::Missing), (locations[2].clone(), Damage::Size(5))];
    let (report, found) = damage(&world, false).await;
    assert_eq!(
        (report, by_version(found)),
        (VerifyReport { damaged: 2, ..clean }, vec![missing.clone(), short.clone()])
    );
    let (report, found) = damage(&world, true).await;
    let flipped = (locations[1].clone(), Damage::Digest(digest));
    assert_eq!((report, by_version(found)), (VerifyReport { damaged: 3, ..clean }, vec![missing, flipped, short]));
}
