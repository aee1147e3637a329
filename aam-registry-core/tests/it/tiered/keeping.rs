//! What is cached, and for how long.

use std::{fs, io::Read, path::Path, time::Duration};

use aam_registry_core::{
    decorate::{ArchiveCacheConfig, TieredArchives},
    ports::{ArchiveContent, ArchiveSource},
    types::ArchiveLocation,
};

use super::store::RemoteStore;

async fn read(tiered: &TieredArchives<RemoteStore>, archive: &ArchiveLocation) -> Vec<u8> {
    match tiered.open(archive, None).await.expect("open").expect("there") {
        ArchiveContent::Bytes(bytes) => bytes.to_vec(),
        ArchiveContent::File { file, len } => {
            let mut bytes = Vec::new();
            file.take(len).read_to_end(&mut bytes).expect("read");
            bytes
        }
        ArchiveContent::Stream { stream, .. } => {
            let chunks: Vec<_> = futures_util::TryStreamExt::try_collect(stream).await.expect("whole");
            chunks.concat()
        }
    }
}

fn start(store: &RemoteStore, config: &ArchiveCacheConfig) -> TieredArchives<RemoteStore> {
    TieredArchives::start(store.clone(), config).expect("started")
}

/// Starts again after another one was dropped, whose last work may still be running.
async fn restart(store: &RemoteStore, config: &ArchiveCacheConfig) -> TieredArchives<RemoteStore> {
    for _ in 0..1000 {
        if let Ok(tiered) = TieredArchives::start(store.clone(), config) {
            return tiered;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    start(store, config)
}

#[tokio::test]
async fn a_large_download_pushes_out_no_small_one() {
    let store = RemoteStore::default();
    let tiered = start(&store, &ArchiveCacheConfig::default().with_memory(32 << 20));
    let mut small = Vec::new();
    for seed in 0..100 {
        let (archive, _) = store.put(seed, 12_000).await;
        read(&tiered, &archive).await;
        small.push(archive);
    }
    for seed in 100..114 {
        let (large, _) = store.put(seed, 3 << 20).await;
        for _ in 0..2 {
            read(&tiered, &large).await;
        }
    }
    let before = store.opened();
    for archive in &small {
        read(&tiered, archive).await;
    }
    assert_eq!(store.opened(), before, "the small ones are still there");
}

#[tokio::test]
async fn memory_is_bounded() {
    let store = RemoteStore::default();
    let tiered = start(&store, &ArchiveCacheConfig::default().with_memory(1 << 20));
    let mut archives = Vec::new();
    for seed in 0..100 {
        let (archive, _) = store.put(seed, 30_000).await;
        read(&tiered, &archive).await;
        archives.push(archive);
    }
    let before = store.opened();
    for archive in &archives {
        read(&tiered, archive).await;
    }
    let fetched_again = store.opened() - before;
    assert!(fetched_again >= 60, "three megabytes do not fit one, but only {fetched_again} of 100 were fetched again");
}

#[tokio::test]
async fn what_is_on_disk_survives_a_restart_and_what_is_damaged_there_heals() {
    let (store, folder) = (RemoteStore::default(), tempfile::tempdir().expect("folder"));
    let config = ArchiveCacheConfig::default().with_memory(0).with_disk(folder.path(), 1 << 30);
    let (right, right_bytes) = store.put(1, 200_000).await;
    let (wrong, wrong_bytes) = store.put(2, 200_000).await;
    let first = start(&store, &config);
    assert!(read(&first, &right).await == right_bytes && read(&first, &wrong).await == wrong_bytes);
    drop(first);
    assert_eq!(store.opened(), 2);

    let file = file_of(folder.path(), &wrong);
    let mut damaged = fs::read(&file).expect("the file");
    damaged[100_000] ^= 1;
    fs::write(&file, damaged).expect("damaged");
    let second = restart(&store, &config).await;
    assert!(read(&second, &right).await == right_bytes);
    assert_eq!(store.opened(), 2, "the one that is right was not fetched again");
    assert!(read(&second, &wrong).await == wrong_bytes);
    assert_eq!(store.opened(), 3, "the wrong one was");
    assert!(fs::read(&file).expect("the file") == wrong_bytes);
}

#[tokio::test]
async fn the_disk_is_bounded_and_a_file_that_is_gone_is_fetched_again() {
    let (store, folder) = (RemoteStore::default(), tempfile::tempdir().expect("folder"));
    let config = ArchiveCacheConfig::default().with_memory(0).with_disk(folder.path(), 1_000_000);
    let tiered = start(&store, &config);
    let mut archives = Vec::new();
    for seed in 0..20 {
        let (archive, bytes) = store.put(seed, 100_000).await;
        assert!(read(&tiered, &archive).await == bytes);
        archives.push((archive, bytes));
    }
    assert!(bytes_in(folder.path()) <= 1_000_000);
    let (last, bytes) = archives.last().expect("archives");
    fs::remove_file(file_of(folder.path(), last)).expect("removed");
    let before = store.opened();
    assert!(read(&tiered, last).await == *bytes);
    assert_eq!(store.opened(), before + 1);
}

#[tokio::test]
async fn what_is_changed_on_the_disk_heals() {
    let (store, folder) = (RemoteStore::default(), tempfile::tempdir().expect("folder"));
    let tiered = start(&store, &ArchiveCacheConfig::default().with_memory(0).with_disk(folder.path(), 1 << 30));
    let (archive, bytes) = store.put(1, 200_000).await;
    assert!(read(&tiered, &archive).await == bytes);
    let file = file_of(folder.path(), &archive);
    let mut damaged = fs::read(&file).expect("the file");
    damaged[100_000] ^= 1;
    for (len, opened) in [(damaged.len(), 2), (5_000, 3)] {
        fs::write(&file, &damaged[..len]).expect("damaged");
        assert!(read(&tiered, &archive).await == bytes);
        assert_eq!(store.opened(), opened, "it was fetched again");
        assert!(read(&tiered, &archive).await == bytes);
        assert_eq!(store.opened(), opened, "and kept");
    }
}

#[tokio::test]
async fn the_disk_is_bounded_while_many_are_fetched() {
    let (store, folder) = (RemoteStore::default(), tempfile::tempdir().expect("folder"));
    let config = ArchiveCacheConfig::default().with_memory(0).with_disk(folder.path(), 1_000_000);
    let tiered = start(&store, &config);
    let gate = store.gate();
    let mut reads = Vec::new();
    for seed in 0..8 {
        let (archive, bytes) = store.put(seed, 300_000).await;
        let tiered = tiered.clone();
        reads.push(tokio::spawn(async move { assert!(read(&tiered, &archive).await == bytes) }));
    }
    while !reads.is_empty() {
        gate.add_permits(1);
        tokio::task::yield_now().await;
        assert!(bytes_in(folder.path()) <= 1_000_000);
        let mut under_way = Vec::new();
        for read in reads {
            if read.is_finished() { read.await.expect("the right bytes") } else { under_way.push(read) }
        }
        reads = under_way;
    }
}

#[tokio::test]
async fn a_disk_that_cannot_be_used_is_told_at_the_start() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("file");
    fs::write(&file, "no folder").expect("written");
    let config = ArchiveCacheConfig::default().with_disk(&file, 1 << 30);
    TieredArchives::start(RemoteStore::default(), &config).expect_err("it is a file");
}

fn file_of(folder: &Path, archive: &ArchiveLocation) -> std::path::PathBuf {
    let name = archive.sha256.to_string();
    folder.join(&name[..2]).join(name)
}

/// The bytes of all files; a file that is deleted meanwhile counts as 0.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path());
    entries.map(|path| if path.is_dir() { bytes_in(&path) } else { path.metadata().map_or(0, |file| file.len()) }).sum()
}
