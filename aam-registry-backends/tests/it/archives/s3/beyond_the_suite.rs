//! Guarantees of S3 that the conformance suite does not cover.

use std::slice;

use aam_registry_core::{ports::ArchiveStore, types::ArchiveKey};
use jiff::Timestamp;

use super::{Setup, config, new_key, sample, store};

const PART: usize = 8 * 1024 * 1024;

/// Begins an upload that is never finished.
async fn leave(store: &dyn ArchiveStore, key: &ArchiveKey) {
    let mut writer = store.create(key).await.expect("create");
    for _ in 0..3 {
        writer.write(vec![7; PART].into()).await.expect("write");
    }
}

async fn unfinished(store: &dyn ArchiveStore) -> Vec<ArchiveKey> {
    store.unfinished(None, 100).await.expect("unfinished").into_iter().map(|stored| stored.key).collect()
}

#[tokio::test]
async fn uploads_under_way_are_told_and_aborted_with_their_key() {
    let setup = Setup::new().await;
    let before = Timestamp::now();
    let mut keys: Vec<_> = (0..5).map(|_| new_key()).collect();
    keys.sort();
    for key in &keys {
        leave(&setup.store, key).await;
    }
    // Several attempts at one key are listed once, and are deleted together.
    for _ in 0..4 {
        leave(&setup.store, &keys[2]).await;
    }
    assert_eq!(unfinished(&setup.store).await, keys);
    for left in setup.store.unfinished(None, 100).await.expect("unfinished") {
        let begun_at = left.modified_at.expect("the store tells");
        assert!(begun_at.as_second() >= before.as_second() && begun_at <= Timestamp::now(), "{left:?}");
    }
    let page = setup.store.unfinished(Some(&keys[0]), 2).await.expect("unfinished");
    assert_eq!(page.into_iter().map(|left| left.key).collect::<Vec<_>>(), keys[1..3]);
    setup.store.delete(&keys[2]).await.expect("delete");
    keys.remove(2);
    assert_eq!(unfinished(&setup.store).await, keys);
}

#[tokio::test]
async fn what_is_not_ours_is_neither_told_nor_deleted() {
    let setup = Setup::new().await;
    let ours = store(config(&setup.server.endpoint()).with_prefix("ours"));
    let (theirs, key) = (store(config(&setup.server.endpoint()).with_prefix("ours-not")), new_key());
    for store in [&ours, &theirs, &setup.store] {
        leave(store, &key).await;
    }
    let finished = new_key();
    let mut writer = theirs.create(&finished).await.expect("create");
    writer.write(sample(10)).await.expect("write");
    writer.finish().await.expect("finish");
    for name in ["README", "archives/README", "archives/ab/x.aam", "ours/archives/ab/notes.txt"] {
        let path = setup.server.bucket().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, "x").expect("a file");
    }
    let left = slice::from_ref(&key);
    assert_eq!(unfinished(&ours).await, left);
    assert_eq!(ours.list(None, 10).await.expect("list"), []);
    assert_eq!(setup.store.list(None, 10).await.expect("list"), []);
    ours.delete(&key).await.expect("delete");
    assert_eq!(unfinished(&ours).await, []);
    for store in [&theirs, &setup.store] {
        assert_eq!(unfinished(store).await, left);
    }
    assert_eq!(theirs.list(None, 10).await.expect("list").len(), 1);
}

#[tokio::test]
async fn a_listing_asks_for_no_more_than_it_needs() {
    let setup = Setup::new().await;
    for _ in 0..12 {
        setup.kept(10).await;
    }
    assert_eq!(setup.store.list(None, 5).await.expect("list").len(), 5);
    assert_eq!(setup.proxy.seen().len(), 1);
}

#[tokio::test]
async fn an_archive_is_one_object_at_its_key() {
    let setup = Setup::new().await;
    let (key, bytes) = setup.kept(3 * PART).await;
    let object = std::fs::read(setup.server.bucket().join(key.as_str())).expect("a file");
    assert!(object == bytes);
}
