//! Several stores on one file stand for several processes: they share nothing but the file.

use std::{sync::Arc, time::Duration};

use aam_registry_backends::sqlite::SqliteMetadata;
use aam_registry_core::{
    Error, ErrorCode,
    error::Outcome,
    ports::{PackageStore, UserStore},
};
use rusqlite::Connection;
use serde_json::json;

use super::world::{actor, config, database, open, publish};
use crate::replicas;

#[tokio::test]
async fn a_change_of_another_process_is_seen_at_once() {
    let (store, folder) = database().await;
    replicas::see_each_others_changes(&store, &open(folder.path()).await).await;
}

#[tokio::test]
async fn a_batch_counts_once_whatever_the_clock_says() {
    let (store, folder) = database().await;
    replicas::count_once_whatever_the_clock_says(&store, &open(folder.path()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_publishers_in_two_processes_one_wins() {
    let (store, folder) = database().await;
    replicas::publish_a_version_once([Arc::new(store), Arc::new(open(folder.path()).await)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_audit_chain_is_whole_under_writers_and_sequencers_in_two_processes() {
    let (store, folder) = database().await;
    replicas::keep_one_audit_chain([Arc::new(store), Arc::new(open(folder.path()).await)]).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_who_wait_for_a_database_that_another_holds_do_not_wait_in_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    // If the thirty waited one after the other, they would wait longer than the test does.
    let config = config(folder.path()).with_busy_timeout(Duration::from_secs(2));
    let store = Arc::new(SqliteMetadata::open(config.clone()).await.expect("a database"));
    let owner = actor(&*store, "owner").await;
    let other = Connection::open(config.path()).expect("open");
    other.execute_batch("BEGIN IMMEDIATE").expect("begin");
    let waiting: Vec<_> = (0..30)
        .map(|at| {
            let (store, owner) = (Arc::clone(&store), owner.clone());
            tokio::spawn(async move { publish(&*store, &owner, &format!("kit-{at}"), "1.0.0", json!({})).await })
        })
        .collect();
    assert!(store.user(owner.user).await.expect("reads go on").is_some());
    let all = futures_util::future::join_all(waiting);
    for answer in tokio::time::timeout(Duration::from_secs(30), all).await.expect("nobody waits for all the others") {
        assert_eq!(answer.expect("a task").expect_err("it is held").code(), ErrorCode::DatabaseUnavailable);
    }
    store.check().await.expect_err("it takes no changes");
    other.execute_batch("ROLLBACK").expect("rollback");
    store.check().await.expect("it is well");
}
