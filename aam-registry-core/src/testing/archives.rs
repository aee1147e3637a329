//! What every [`ArchiveStore`] has to do. The suite expects an empty store.

use std::{io::Read, ops::Range};

use bytes::{Bytes, BytesMut};
use futures_util::{TryStreamExt, future::join_all};
use jiff::{SignedDuration, Timestamp};

use crate::{
    ports::{ArchiveContent, ArchiveStore},
    types::{ArchiveKey, RegistryId, UploadId},
};

/// Defines a test for every case, on the store that `$make` returns.
#[macro_export]
macro_rules! archive_store_conformance {
    ($make:expr) => {
        $crate::conformance!(
            archives,
            $make,
            [
                bytes_survive,
                many_chunks_make_one_archive,
                ranges_are_cut_out,
                ranges_of_a_large_archive_are_cut_out,
                a_missing_archive_is_none,
                size_is_that_of_the_bytes,
                nothing_is_readable_before_finish,
                a_dropped_writer_leaves_nothing,
                an_aborted_writer_leaves_nothing,
                a_key_given_up_can_be_written_again,
                a_deleted_archive_is_gone,
                deleting_nothing_is_no_error,
                deleting_one_leaves_the_others,
                deleting_stops_an_unfinished_writer_from_showing,
                what_writers_left_is_told_until_it_is_deleted,
                what_was_given_up_or_finished_is_not_unfinished,
                a_listing_is_in_the_order_of_keys,
                a_listing_comes_in_pages,
                a_listing_shows_sizes_and_times,
                writers_do_not_disturb_one_another,
                a_store_is_whose_it_was_last_marked_as,
                the_store_answers,
            ]
        );
    };
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

pub(super) fn new_key() -> ArchiveKey {
    ArchiveKey::from(UploadId::generate())
}

/// Bytes that differ at every position, so that a wrong order is detected.
pub(super) fn sample(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = BytesMut::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes.freeze()
}

pub(super) async fn put(store: &dyn ArchiveStore, key: &ArchiveKey, bytes: &Bytes) {
    let mut writer = store.create(key).await.expect("create");
    writer.write(bytes.clone()).await.expect("write");
    let size = writer.finish().await.expect("finish");
    assert_eq!(size, bytes.len() as u64, "finish gives the size");
}

async fn get(store: &dyn ArchiveStore, key: &ArchiveKey, range: Option<Range<u64>>) -> Option<Bytes> {
    Some(read(store.open(key, range).await.expect("open")?).await)
}

/// Reads all of an open archive.
pub(super) async fn read(content: ArchiveContent) -> Bytes {
    let (bytes, announced) = match content {
        ArchiveContent::Bytes(bytes) => (bytes.clone(), bytes.len() as u64),
        ArchiveContent::File { file, len } => {
            let mut bytes = Vec::new();
            file.take(len).read_to_end(&mut bytes).expect("read the file");
            (bytes.into(), len)
        }
        ArchiveContent::Stream { stream, len } => {
            let mut chunks = stream;
            let mut bytes = BytesMut::new();
            while let Some(chunk) = chunks.try_next().await.expect("read the stream") {
                bytes.extend_from_slice(&chunk);
            }
            (bytes.freeze(), len)
        }
    };
    assert_eq!(bytes.len() as u64, announced, "the content is as long as announced");
    bytes
}

async fn list_all(store: &dyn ArchiveStore) -> Vec<ArchiveKey> {
    store.list(None, 1000).await.expect("list").into_iter().map(|stored| stored.key).collect()
}

async fn assert_absent(store: &dyn ArchiveStore, key: &ArchiveKey) {
    assert_eq!(get(store, key, None).await, None, "{key} can be read");
    assert_eq!(store.size(key).await.expect("size"), None, "{key} has a size");
    assert!(!list_all(store).await.contains(key), "{key} is listed");
}

/// Reads return the written bytes, at every size that a store may treat differently.
pub async fn bytes_survive(store: &dyn ArchiveStore) {
    for len in [1, 12 * KIB, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 3 * MIB] {
        let (key, bytes) = (new_key(), sample(len as u64, len));
        put(store, &key, &bytes).await;
        assert!(get(store, &key, None).await == Some(bytes), "{len} bytes changed on their way");
    }
}

/// Chunks of different sizes, one of them empty, become one archive.
pub async fn many_chunks_make_one_archive(store: &dyn ArchiveStore) {
    let (key, bytes) = (new_key(), sample(7, 11 * MIB + 13));
    let mut writer = store.create(&key).await.expect("create");
    let mut rest = bytes.clone();
    for len in [1, 0, 17, 8 * KIB, 64 * KIB, MIB, 5, 6 * MIB].into_iter().chain(std::iter::repeat(100_003)) {
        if rest.is_empty() {
            break;
        }
        writer.write(rest.split_to(len.min(rest.len()))).await.expect("write");
    }
    assert_eq!(writer.finish().await.expect("finish"), bytes.len() as u64);
    assert!(get(store, &key, None).await == Some(bytes), "the chunks came out otherwise");
}

/// A range returns exactly its bytes.
pub async fn ranges_are_cut_out(store: &dyn ArchiveStore) {
    cut_ranges(store, 12 * KIB).await;
}

/// A range of a large archive returns exactly its bytes too.
pub async fn ranges_of_a_large_archive_are_cut_out(store: &dyn ArchiveStore) {
    cut_ranges(store, 5 * MIB + 3).await;
}

async fn cut_ranges(store: &dyn ArchiveStore, len: usize) {
    let (key, bytes) = (new_key(), sample(11, len));
    put(store, &key, &bytes).await;
    for range in [0..1, 0..len, 1..len, len - 1..len, len / 3..len / 2, 100..164] {
        let read = get(store, &key, Some(range.start as u64..range.end as u64)).await;
        assert!(read == Some(bytes.slice(range.clone())), "bytes {range:?} of {len} are wrong");
    }
}

/// An archive that was never written is `None`, with a range and without, and no error.
pub async fn a_missing_archive_is_none(store: &dyn ArchiveStore) {
    let key = new_key();
    assert_absent(store, &key).await;
    assert_eq!(get(store, &key, Some(0..1)).await, None);
    put(store, &new_key(), &sample(1, 10)).await;
    assert_absent(store, &key).await;
}

/// The size is reported without reading the archive.
pub async fn size_is_that_of_the_bytes(store: &dyn ArchiveStore) {
    for len in [1, 70_000] {
        let key = new_key();
        put(store, &key, &sample(3, len)).await;
        assert_eq!(store.size(&key).await.expect("size"), Some(len as u64));
    }
}

/// A half-written archive is visible nowhere, however much of it was sent.
pub async fn nothing_is_readable_before_finish(store: &dyn ArchiveStore) {
    let (key, bytes) = (new_key(), sample(5, 6 * MIB));
    let mut writer = store.create(&key).await.expect("create");
    assert_absent(store, &key).await;
    writer.write(bytes.clone()).await.expect("write");
    assert_absent(store, &key).await;
    writer.write(bytes.clone()).await.expect("write");
    assert_absent(store, &key).await;
    writer.finish().await.expect("finish");
    assert_eq!(store.size(&key).await.expect("size"), Some(2 * bytes.len() as u64));
    assert_eq!(list_all(store).await, [key]);
}

/// A writer that is dropped before it finishes leaves nothing readable.
pub async fn a_dropped_writer_leaves_nothing(store: &dyn ArchiveStore) {
    let key = new_key();
    let mut writer = store.create(&key).await.expect("create");
    writer.write(sample(6, MIB)).await.expect("write");
    drop(writer);
    assert_absent(store, &key).await;
    store.delete(&key).await.expect("delete what the writer left");
    assert_absent(store, &key).await;
}

/// A writer that aborts leaves nothing, whether or not it has written.
pub async fn an_aborted_writer_leaves_nothing(store: &dyn ArchiveStore) {
    for bytes in [None, Some(sample(6, 100)), Some(sample(6, 6 * MIB))] {
        let key = new_key();
        let mut writer = store.create(&key).await.expect("create");
        if let Some(bytes) = bytes {
            writer.write(bytes).await.expect("write");
        }
        writer.abort().await.expect("abort");
        assert_absent(store, &key).await;
    }
}

/// After a writer has aborted, its key can be written again.
pub async fn a_key_given_up_can_be_written_again(store: &dyn ArchiveStore) {
    let (key, bytes) = (new_key(), sample(8, 2000));
    let mut writer = store.create(&key).await.expect("create");
    writer.write(sample(9, 5000)).await.expect("write");
    writer.abort().await.expect("abort");
    put(store, &key, &bytes).await;
    assert_eq!(get(store, &key, None).await, Some(bytes));
}

/// A deleted archive is gone.
pub async fn a_deleted_archive_is_gone(store: &dyn ArchiveStore) {
    let key = new_key();
    put(store, &key, &sample(2, 3000)).await;
    store.delete(&key).await.expect("delete");
    assert_absent(store, &key).await;
}

/// Deleting an archive that does not exist, or no longer exists, succeeds.
pub async fn deleting_nothing_is_no_error(store: &dyn ArchiveStore) {
    let key = new_key();
    store.delete(&key).await.expect("delete what never was");
    put(store, &key, &sample(2, 30)).await;
    store.delete(&key).await.expect("delete");
    store.delete(&key).await.expect("delete again");
}

/// A delete removes one archive, not its neighbours.
pub async fn deleting_one_leaves_the_others(store: &dyn ArchiveStore) {
    let keys: Vec<_> = (0..8).map(|_| new_key()).collect();
    for key in &keys {
        put(store, key, &sample(4, 100)).await;
    }
    store.delete(&keys[3]).await.expect("delete");
    for key in keys.iter().filter(|key| **key != keys[3]) {
        assert_eq!(get(store, key, None).await, Some(sample(4, 100)));
    }
    assert_eq!(list_all(store).await.len(), 7);
}

/// Deleting the key of an unfinished writer removes what it has sent so far.
pub async fn deleting_stops_an_unfinished_writer_from_showing(store: &dyn ArchiveStore) {
    let key = new_key();
    let mut writer = store.create(&key).await.expect("create");
    writer.write(sample(4, 200_000)).await.expect("write");
    store.delete(&key).await.expect("delete");
    assert_absent(store, &key).await;
    drop(writer);
    assert_absent(store, &key).await;
}

async fn unfinished(store: &dyn ArchiveStore, after: Option<&ArchiveKey>, limit: usize) -> Vec<ArchiveKey> {
    let left = store.unfinished(after, limit).await.expect("unfinished");
    for stored in &left {
        if let Some(modified_at) = stored.modified_at {
            let age = Timestamp::now().duration_since(modified_at).abs();
            assert!(age < SignedDuration::from_mins(10), "begun just now, not {age:?} ago");
        }
    }
    left.into_iter().map(|stored| stored.key).collect()
}

/// Remains of writers are listed in the order of their keys and in pages, without finished archives,
/// until their key is deleted. A store whose writers leave nothing lists nothing.
pub async fn what_writers_left_is_told_until_it_is_deleted(store: &dyn ArchiveStore) {
    assert_eq!(unfinished(store, None, 10).await, [], "nothing was begun");
    let mut keys: Vec<_> = (0..4).map(|_| new_key()).collect();
    keys.sort();
    for key in keys.iter().rev() {
        let mut writer = store.create(key).await.expect("create");
        // Enough bytes that every store has received some of them.
        for seed in 0..3 {
            writer.write(sample(seed, 6 * MIB)).await.expect("write");
        }
        drop(writer);
    }
    put(store, &new_key(), &sample(1, 10)).await;
    if unfinished(store, None, 10).await.is_empty() {
        return;
    }
    assert_eq!(unfinished(store, None, 10).await, keys);
    assert_eq!(unfinished(store, None, 3).await, keys[..3]);
    assert_eq!(unfinished(store, Some(&keys[1]), 10).await, keys[2..]);
    assert_eq!(unfinished(store, Some(&keys[3]), 10).await, []);
    store.delete(&keys[1]).await.expect("delete");
    assert_eq!(unfinished(store, None, 10).await, [keys[0].clone(), keys[2].clone(), keys[3].clone()]);
    assert_eq!(unfinished(store, Some(&keys[1]), 1).await, [keys[2].clone()], "a page behind a key that is gone");
    assert_eq!(list_all(store).await.len(), 1, "only what was finished is an archive");
}

/// An aborted writer and a finished one leave no remains, and a key at which an earlier attempt left
/// some can be written again.
pub async fn what_was_given_up_or_finished_is_not_unfinished(store: &dyn ArchiveStore) {
    let (given_up, finished) = (new_key(), new_key());
    for key in [&given_up, &finished] {
        let mut writer = store.create(key).await.expect("create");
        writer.write(sample(6, 12 * MIB)).await.expect("write");
        writer.write(sample(7, 12 * MIB)).await.expect("write");
        if key == &given_up {
            writer.abort().await.expect("abort");
        } else {
            writer.finish().await.expect("finish");
        }
    }
    assert_eq!(unfinished(store, None, 10).await, []);
    for bytes in [sample(8, 17 * MIB), sample(9, 100)] {
        let key = new_key();
        let mut left = store.create(&key).await.expect("create");
        left.write(bytes.clone()).await.expect("write");
        drop(left);
        put(store, &key, &bytes).await;
        assert!(get(store, &key, None).await == Some(bytes), "the second attempt is what is read");
        store.delete(&key).await.expect("delete");
        assert_absent(store, &key).await;
        assert_eq!(unfinished(store, None, 10).await, [], "a delete takes what every attempt left");
    }
}

/// Archives are listed in the order of their keys, whenever they were written.
pub async fn a_listing_is_in_the_order_of_keys(store: &dyn ArchiveStore) {
    assert_eq!(list_all(store).await, [], "an empty store lists nothing");
    let mut keys: Vec<_> = (0..40).map(|_| new_key()).collect();
    for key in keys.iter().rev() {
        put(store, key, &sample(1, 10)).await;
    }
    keys.sort();
    assert_eq!(list_all(store).await, keys);
}

/// Pages list every archive exactly once, and a page may start after a key that was deleted meanwhile.
pub async fn a_listing_comes_in_pages(store: &dyn ArchiveStore) {
    let mut keys: Vec<_> = (0..25).map(|_| new_key()).collect();
    for key in &keys {
        put(store, key, &sample(1, 10)).await;
    }
    keys.sort();
    for limit in [1, 7, 25, 26] {
        let mut listed: Vec<ArchiveKey> = Vec::new();
        loop {
            let page = store.list(listed.last(), limit).await.expect("list");
            assert!(page.len() <= limit, "a page of {limit} holds {}", page.len());
            if page.is_empty() {
                break;
            }
            listed.extend(page.into_iter().map(|stored| stored.key));
            assert!(keys.starts_with(&listed), "pages of {limit} give {listed:?} of {keys:?}");
        }
        assert_eq!(listed, keys, "pages of {limit}");
    }
    store.delete(&keys[10]).await.expect("delete");
    let page = store.list(Some(&keys[10]), 3).await.expect("list");
    assert_eq!(page.into_iter().map(|stored| stored.key).collect::<Vec<_>>(), keys[11..14]);
}

/// A listing has sizes, and times if the store knows them.
pub async fn a_listing_shows_sizes_and_times(store: &dyn ArchiveStore) {
    let key = new_key();
    put(store, &key, &sample(1, 4321)).await;
    let listed = store.list(None, 10).await.expect("list");
    let [stored] = &listed[..] else { panic!("not one archive: {listed:?}") };
    assert_eq!((&stored.key, stored.size), (&key, 4321));
    if let Some(modified_at) = stored.modified_at {
        let age = Timestamp::now().duration_since(modified_at).abs();
        assert!(age < SignedDuration::from_mins(10), "written just now, not {age:?} ago");
    }
}

/// Concurrent writers of different keys do not mix their bytes.
pub async fn writers_do_not_disturb_one_another(store: &dyn ArchiveStore) {
    let archives: Vec<_> = (0..8).map(|seed| (new_key(), sample(seed, 300_000 + usize::from(seed == 3)))).collect();
    join_all(archives.iter().map(async |(key, bytes)| {
        let mut writer = store.create(key).await.expect("create");
        for chunk in bytes.chunks(50_000) {
            writer.write(Bytes::copy_from_slice(chunk)).await.expect("write");
            tokio::task::yield_now().await;
        }
        writer.finish().await.expect("finish");
    }))
    .await;
    for (key, bytes) in archives {
        assert!(get(store, &key, None).await == Some(bytes), "{key} has foreign bytes");
    }
}

/// The health check of a working store succeeds.
pub async fn the_store_answers(store: &dyn ArchiveStore) {
    store.check().await.expect("check an empty store");
    put(store, &new_key(), &sample(1, 10)).await;
    store.check().await.expect("check");
    assert_eq!(list_all(store).await.len(), 1, "a check leaves nothing behind");
}

/// A new store has no mark; a mark stays until another one is set, and is not listed as an archive.
pub async fn a_store_is_whose_it_was_last_marked_as(store: &dyn ArchiveStore) {
    assert_eq!(store.owner().await.expect("read"), None);
    for _ in 0..2 {
        let registry = RegistryId::generate();
        store.set_owner(registry).await.expect("mark");
        assert_eq!(store.owner().await.expect("read"), Some(registry));
        assert_eq!(list_all(store).await, []);
        assert_eq!(store.unfinished(None, 1000).await.expect("list"), []);
    }
    let (key, bytes) = (new_key(), sample(3, KIB));
    put(store, &key, &bytes).await;
    assert_eq!(list_all(store).await, std::slice::from_ref(&key));
    store.delete(&key).await.expect("delete");
    assert!(store.owner().await.expect("read").is_some());
}
