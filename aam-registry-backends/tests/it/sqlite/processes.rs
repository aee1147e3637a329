//! Several stores on one file stand for several processes: they share nothing but the file.

use std::{sync::Arc, time::Duration};

use aam_registry_backends::sqlite::SqliteMetadata;
use aam_registry_core::{
    Error, ErrorCode,
    error::Outcome,
    ports::{AuditLog, PackageStore, UserStore},
    types::{AuditEntry, AuditFilter, ChainHash, PageRequest},
};
use rusqlite::Connection;
use serde_json::json;

use super::world::{actor, config, database, open, publish};

#[tokio::test]
async fn a_change_of_another_process_is_seen_at_once() {
    let (store, folder) = database().await;
    let other = open(folder.path()).await;
    let name = "greet-kit".parse().expect("name");
    assert!(store.package(&name).await.expect("read").is_none());
    let owner = actor(&other, "owner").await;
    publish(&other, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    assert!(store.package(&name).await.expect("read").is_some());
    publish(&store, &owner, "greet-kit", "1.1.0", json!({})).await.expect("both write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_publishers_in_two_processes_one_wins() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    let stores = [Arc::new(store), Arc::new(open(folder.path()).await)];
    let tasks: Vec<_> = (0..16)
        .map(|at| {
            let (store, owner) = (Arc::clone(&stores[at % 2]), owner.clone());
            // Build metadata does not make it another version.
            let version = format!("1.0.0+{at}");
            tokio::spawn(async move { publish(&store, &owner, "greet-kit", &version, json!({})).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.expect("a task") {
            Ok(_) => won += 1,
            Err(error) => assert_eq!(error.code(), ErrorCode::VersionExists, "{error:?}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(stores[1].totals().await.expect("read").versions, 1);
}

/// All entries, oldest first.
async fn whole_log(store: &SqliteMetadata) -> Vec<AuditEntry> {
    let page = PageRequest { page: 1, limit: 10_000 };
    let filter = AuditFilter { package: None, event: None, actor: None, from: None, to: None, page };
    let mut entries = store.entries(&filter).await.expect("read").items;
    entries.reverse();
    entries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_audit_chain_is_whole_under_writers_and_sequencers_in_two_processes() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    let stores = [Arc::new(store), Arc::new(open(folder.path()).await)];
    let writers = (0..8).map(|writer| {
        let (store, owner) = (Arc::clone(&stores[writer % 2]), owner.clone());
        tokio::spawn(async move {
            for patch in 0..10 {
                publish(&store, &owner, &format!("kit{writer}"), &format!("1.0.{patch}"), json!({}))
                    .await
                    .expect("publish");
            }
        })
    });
    let sequencers = (0..4).map(|sequencer| {
        let store = Arc::clone(&stores[sequencer % 2]);
        tokio::spawn(async move {
            for _ in 0..20 {
                store.sequence(7).await.expect("sequence");
            }
        })
    });
    for task in writers.chain(sequencers).collect::<Vec<_>>() {
        task.await.expect("a task");
    }
    while stores[0].sequence(1000).await.expect("sequence") > 0 {}

    let entries = whole_log(&stores[1]).await;
    assert_eq!(entries.len(), 81);
    let mut hash = ChainHash::from([0; 32]);
    for (position, entry) in (1..).zip(&entries) {
        hash = entry.entry.chain_hash(&hash, position);
        assert_eq!(entry.chained, Some((position, hash)));
    }
}

#[tokio::test]
async fn a_database_that_another_holds_is_an_outage_worth_a_retry() {
    let folder = tempfile::tempdir().expect("a folder");
    let impatient = config(folder.path()).with_busy_timeout(Duration::from_millis(10));
    let store = SqliteMetadata::open(impatient).await.expect("a database");
    let owner = actor(&store, "owner").await;
    let other = Connection::open(config(folder.path()).path()).expect("open");
    other.execute_batch("BEGIN IMMEDIATE").expect("begin");

    let error = publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect_err("the database is held");
    let Error::Backend(backend) = &error else { panic!("{error:?}") };
    assert_eq!(
        (error.code(), backend.retry, backend.outcome),
        (ErrorCode::DatabaseUnavailable, true, Outcome::NotApplied)
    );
    assert!(!error.to_string().contains("locked"), "clients are told of the database: {error}");
    assert!(store.user(owner.user).await.expect("reads go on").is_some());

    other.execute_batch("ROLLBACK").expect("rollback");
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("it heals by itself");
}
