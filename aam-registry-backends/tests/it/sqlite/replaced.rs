//! A database whose file is replaced while it is open.

use std::{fs, path::Path};

use aam_registry_core::{
    ErrorCode,
    ports::{ArchiveIndex, ChangeEvent, ChangeFeed, PackageStore},
};
use futures_util::StreamExt;
use serde_json::json;

use super::world::{actor, database, open, publish};

/// Renames a database with its side files.
fn rename(folder: &Path, from: &str, to: &str) {
    for side in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("{to}{side}")));
        fs::rename(folder.join(format!("{from}{side}")), folder.join(format!("{to}{side}"))).expect("our own file");
    }
}

#[tokio::test]
async fn nothing_is_written_to_a_file_that_was_replaced() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    let mut changes = store.changes().subscribe();
    assert_eq!(changes.next().await, Some(ChangeEvent::Linked));

    rename(folder.path(), "registry.db", "aside.db");
    let other = open(folder.path()).await;
    let error = publish(&store, &owner, "greet-kit", "1.1.0", json!({})).await.expect_err("it would be lost");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
    assert!(format!("{error:?}").contains("start the server again"), "{error:?}");
    assert!(store.check().await.is_err(), "nothing is read of it either");
    assert_eq!(changes.next().await, Some(ChangeEvent::Lost));

    drop(other);
    rename(folder.path(), "aside.db", "registry.db");
    publish(&store, &owner, "greet-kit", "1.1.0", json!({})).await.expect("it is back");
    assert_eq!(changes.next().await, Some(ChangeEvent::Linked));
}

#[tokio::test]
async fn a_database_keeps_its_id_and_another_has_another() {
    let (store, folder) = database().await;
    let id = store.registry_id().await.expect("read");
    drop(store);
    assert_eq!(open(folder.path()).await.registry_id().await.expect("read"), id);
    let (another, _folder) = database().await;
    assert_ne!(another.registry_id().await.expect("read"), id);
}
