//! One fetch with any number of readers.

use std::{io, time::Duration};

use aam_registry_core::{
    ErrorCode,
    decorate::{ArchiveCacheConfig, TieredArchives},
    ports::{ArchiveContent, ArchiveSource},
    types::ArchiveLocation,
};
use bytes::Bytes;
use futures_util::{StreamExt, future::join_all, stream::BoxStream};
use tokio::time::timeout;

use super::store::{CHUNK, Fault, RemoteStore};

const LARGE: usize = 40 * CHUNK;
const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    store: RemoteStore,
    tiered: TieredArchives<RemoteStore>,
    folder: Option<tempfile::TempDir>,
}

impl World {
    fn new() -> Self {
        let (store, folder) = (RemoteStore::default(), tempfile::tempdir().expect("folder"));
        let config = ArchiveCacheConfig::default().with_disk(folder.path(), 1 << 30);
        let tiered = TieredArchives::start(store.clone(), &config).expect("started");
        Self { store, tiered, folder: Some(folder) }
    }

    fn without_disk() -> Self {
        let store = RemoteStore::default();
        let tiered = TieredArchives::start(store.clone(), &ArchiveCacheConfig::default()).expect("started");
        Self { store, tiered, folder: None }
    }

    async fn open(&self, archive: &ArchiveLocation) -> BoxStream<'static, io::Result<Bytes>> {
        match self.tiered.open(archive, None).await.expect("open").expect("there") {
            ArchiveContent::Stream { stream, .. } => stream,
            other => panic!("{other:?} is no stream"),
        }
    }

    async fn read(&self, archive: &ArchiveLocation) -> io::Result<Vec<u8>> {
        match self.tiered.open(archive, None).await.map_err(io::Error::other)?.expect("there") {
            ArchiveContent::Bytes(bytes) => Ok(bytes.to_vec()),
            ArchiveContent::Stream { stream, .. } => rest(stream).await,
            ArchiveContent::File { file, len } => {
                let mut bytes = Vec::new();
                io::Read::read_to_end(&mut io::Read::take(file, len), &mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

async fn rest(mut stream: BoxStream<'static, io::Result<Bytes>>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

async fn next(stream: &mut BoxStream<'static, io::Result<Bytes>>) -> Bytes {
    let chunk = timeout(PATIENCE, stream.next()).await.expect("in time");
    chunk.expect("not at its end").expect("a chunk")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_readers_make_one_fetch() {
    for len in [1, CHUNK, 7 * CHUNK + 3, LARGE] {
        let world = World::new();
        let (archive, bytes) = world.store.put(1, len).await;
        for read in join_all((0..100).map(|_| world.read(&archive))).await {
            assert!(read.expect("read") == bytes, "{len} bytes");
        }
        assert_eq!(world.store.opened(), 1, "{len} bytes");
        assert!(world.read(&archive).await.expect("read") == bytes);
        assert_eq!(world.store.opened(), 1, "it is kept");
    }
}

#[tokio::test]
async fn bytes_are_handed_on_as_they_come_but_for_the_last() {
    let world = World::new();
    let (archive, bytes) = world.store.put(2, 10 * CHUNK).await;
    let gate = world.store.gate();
    let mut reader = world.open(&archive).await;
    let mut read = Vec::new();
    for chunk in 1..=9 {
        gate.add_permits(1);
        while read.len() < chunk * CHUNK {
            read.extend_from_slice(&next(&mut reader).await);
        }
    }
    // A later reader gets the bytes that have arrived at once.
    let mut late = world.open(&archive).await;
    let mut caught_up = 0;
    while caught_up < 9 * CHUNK {
        caught_up += next(&mut late).await.len();
    }
    assert!(futures_util::poll!(reader.next()).is_pending() && futures_util::poll!(late.next()).is_pending());
    gate.add_permits(1);
    read.extend(timeout(PATIENCE, rest(reader)).await.expect("in time").expect("whole"));
    assert!(read == bytes);
    assert_eq!(world.store.opened(), 1);
}

#[tokio::test]
async fn who_is_slow_or_leaves_holds_nobody_up() {
    let world = World::new();
    let (archive, bytes) = world.store.put(3, LARGE).await;
    let gate = world.store.gate();
    let mut slow = world.open(&archive).await;
    let leaving = world.open(&archive).await;
    gate.add_permits(1);
    let first = next(&mut slow).await;
    drop(leaving);
    gate.add_permits(LARGE / CHUNK);
    let fast = timeout(PATIENCE, world.read(&archive)).await.expect("in time").expect("whole");
    assert!(fast == bytes);
    let rest = timeout(PATIENCE, rest(slow)).await.expect("in time").expect("whole");
    assert!([&first[..], &rest].concat() == bytes, "the slow one reads on where memory has let go");
    assert_eq!(world.store.opened(), 1);
}

#[tokio::test]
async fn a_fetch_goes_on_though_everybody_left() {
    let world = World::new();
    let (archive, bytes) = world.store.put(4, LARGE).await;
    let gate = world.store.gate();
    drop(world.open(&archive).await);
    gate.add_permits(LARGE / CHUNK);
    assert!(timeout(PATIENCE, world.read(&archive)).await.expect("in time").expect("whole") == bytes);
    assert_eq!(world.store.opened(), 1);
}

#[tokio::test]
async fn wrong_bytes_never_look_complete_and_are_not_kept() {
    for len in [100, 3 * CHUNK, LARGE] {
        for fault in [Fault::Damaged, Fault::TooLong, Fault::BreaksOff] {
            let world = World::new();
            let (archive, bytes) = world.store.put(5, len).await;
            world.store.set_fault(fault);
            let gate = world.store.gate();
            gate.add_permits(1000);
            for read in join_all((0..10).map(|_| world.read(&archive))).await {
                read.expect_err("it is damaged");
            }
            world.read(&archive).await.expect_err("it still is");
            world.store.set_fault(Fault::None);
            assert!(world.read(&archive).await.expect("read") == bytes, "{fault:?} of {len} bytes");
        }
    }
}

#[tokio::test]
async fn wrong_bytes_never_look_complete_where_nothing_is_kept() {
    for fault in [Fault::Damaged, Fault::TooLong, Fault::BreaksOff] {
        let world = World::without_disk();
        let (archive, bytes) = world.store.put(7, LARGE).await;
        world.store.set_fault(fault);
        let mut stream = world.open(&archive).await;
        let (mut read, mut end) = (0, None);
        while end.is_none() {
            match stream.next().await {
                Some(Ok(chunk)) => read += chunk.len(),
                other => end = other,
            }
        }
        end.expect("an end").expect_err("it is damaged");
        assert!(read > 0 && read < bytes.len(), "{fault:?}: {read} of {} bytes were handed on", bytes.len());
        world.store.set_fault(Fault::None);
        assert!(world.read(&archive).await.expect("read") == bytes);
    }
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_stops_no_download() {
    let world = World::new();
    let (archive, bytes) = world.store.put(8, LARGE).await;
    let folder = world.folder.as_ref().expect("a folder").path();
    std::fs::remove_dir_all(folder).expect("removed");
    for _ in 0..2 {
        assert!(world.read(&archive).await.expect("read") == bytes);
    }
    let (small, bytes) = world.store.put(9, 100).await;
    let before = world.store.opened();
    for _ in 0..2 {
        assert!(world.read(&small).await.expect("read") == bytes);
    }
    assert_eq!(world.store.opened(), before + 1, "memory keeps it");
}

#[tokio::test]
async fn a_store_that_is_down_fails_all_who_wait_and_the_next_one_tries_again() {
    // Without a disk no request waits for it, so all requests come before any is answered.
    let world = World::without_disk();
    let (archive, bytes) = world.store.put(6, 100).await;
    world.store.set_fault(Fault::Down);
    let waiting = join_all((0..20).map(|_| world.tiered.open(&archive, None))).await;
    for refused in waiting {
        assert_eq!(refused.expect_err("it is down").code(), ErrorCode::StorageUnavailable);
    }
    assert_eq!(world.store.opened(), 1, "all waited for one");
    world.store.set_fault(Fault::None);
    assert!(world.read(&archive).await.expect("read") == bytes);
}
