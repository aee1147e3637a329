use std::{fs, path::Path, time::Duration};

use aam_registry_core::{
    ErrorCode,
    ports::{AuditLog, JobQueue, PackageStore},
    types::{AuditFilter, JobLease, PageRequest, Reach, RegistryTotals},
};
use serde_json::json;
use tempfile::TempDir;

use super::world::{actor, config, database, open, publish};

/// The files as they lie on the disk now, as after `kill -9`: nothing is closed first.
fn killed(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        // The index of the log is memory shared by the processes of one machine; a restart makes it anew.
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("copy");
        }
    }
    copy
}

async fn totals(folder: &Path) -> RegistryTotals {
    open(folder).await.totals().await.expect("read")
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    for patch in 0..20 {
        let version = format!("1.0.{patch}");
        publish(&store, &owner, "greet-kit", &version, json!({})).await.expect("publish");
        let copy = killed(folder.path());
        assert_eq!(totals(copy.path()).await.versions, patch + 1);
        let store = open(copy.path()).await;
        let package = store
            .package(&"greet-kit".parse().expect("name"), Reach::Everything)
            .await
            .expect("read")
            .expect("a package");
        assert_eq!(package.latest().map(ToString::to_string), Some(version));
    }
}

#[tokio::test]
async fn what_was_not_committed_is_gone_after_a_kill() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    let other = rusqlite::Connection::open(config(folder.path()).path()).expect("open");
    // So small a cache writes pages to the log long before the commit.
    other
        .execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE; UPDATE registry_totals SET versions = 99")
        .expect("begin");
    let fill = "INSERT INTO download_batches
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                SELECT 'half-a-batch-' || i, i FROM n";
    other.execute(fill, []).expect("insert");
    let copy = killed(folder.path());
    let log = fs::metadata(copy.path().join("registry.db-wal")).expect("a log").len();
    assert!(log > 500_000, "nothing of the transaction reached the disk: {log} bytes");
    assert_eq!(totals(copy.path()).await.versions, 1);
    let store = open(copy.path()).await;
    publish(&store, &owner, "greet-kit", "1.0.1", json!({})).await.expect("the database still takes changes");
}

#[tokio::test]
async fn a_dropped_store_leaves_nothing_open() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    drop(store);
    // SQLite removes its side files when the last connection closes cleanly.
    assert!(!folder.path().join("registry.db-wal").exists());
    assert_eq!(totals(folder.path()).await.versions, 1);
}

#[tokio::test]
async fn refusals_in_a_group_keep_what_else_is_in_it() {
    let (store, _folder) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    let name = |at: usize| if at.is_multiple_of(2) { format!("kit{at}") } else { "greet-kit".to_owned() };
    let publishes = (0..64).map(|at| {
        let (store, owner) = (&store, &owner);
        async move { publish(store, owner, &name(at), "1.0.0", json!({})).await }
    });
    let results = futures_util::future::join_all(publishes).await;
    for (at, result) in results.into_iter().enumerate() {
        match result {
            Ok(_) => assert_eq!(at % 2, 0),
            Err(error) => assert_eq!((at % 2, error.code()), (1, ErrorCode::VersionExists)),
        }
    }
    let totals = store.totals().await.expect("read");
    assert_eq!((totals.packages, totals.versions), (33, 33));
    let page = PageRequest { page: 1, limit: 200 };
    let filter = AuditFilter { package: None, event: None, actor: None, from: None, to: None, page };
    assert_eq!(
        store.entries(&filter).await.expect("read").total,
        1 + 33,
        "an entry for each change, none for a refusal"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_reads_the_database() {
    use std::os::unix::fs::PermissionsExt;

    let (store, folder) = database().await;
    actor(&store, "owner").await;
    for file in ["registry.db", "registry.db-wal"] {
        let mode = fs::metadata(folder.path().join(file)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// Looking for work that is not there writes nothing: workers look twice a second.
#[tokio::test]
async fn an_idle_queue_writes_nothing() {
    let (store, folder) = database().await;
    let log = || fs::metadata(folder.path().join("registry.db-wal")).map(|file| (file.len(), file.modified().ok()));
    let before = log().expect("a log");
    for _ in 0..20 {
        assert_eq!(store.due_kinds().await.expect("look"), Vec::<String>::new());
        let leased = store.lease_jobs("event", 4, JobLease::generate(), Duration::from_secs(45)).await;
        assert_eq!(leased.expect("lease"), []);
        assert_eq!(store.forget_jobs("webhook:", Duration::ZERO, 100).await.expect("forget"), 0);
    }
    assert_eq!(log().expect("a log"), before);
}
