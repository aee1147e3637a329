//! What two stores on one database, which share nothing else, have to do together.

use std::sync::Arc;

use aam_registry_core::{
    ErrorCode,
    ports::Database,
    types::{AuditEntry, AuditFilter, ChainHash, DownloadBatch, DownloadCount, PackageName, PageRequest, Reach},
};
use jiff::civil::date;
use serde_json::json;

use crate::world::{actor, publish};

/// A change of one is seen by the other at once.
pub(crate) async fn see_each_others_changes(store: &impl Database, other: &impl Database) {
    let name = "greet-kit".parse().expect("name");
    assert!(store.package(&name, Reach::Everything).await.expect("read").is_none());
    let owner = actor(other, "owner").await;
    publish(other, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    assert!(store.package(&name, Reach::Everything).await.expect("read").is_some());
    publish(store, &owner, "greet-kit", "1.1.0", json!({})).await.expect("both write");
}

/// A batch counts once, however far behind the clock is of who gathered it.
pub(crate) async fn count_once_whatever_the_clock_says(store: &impl Database, other: &impl Database) {
    let owner = actor(store, "owner").await;
    publish(store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    let day = date(2020, 1, 1);
    let package: PackageName = "greet-kit".parse().expect("a name");
    let count = DownloadCount { package: package.clone(), version: "1.0.0".parse().expect("a version"), day, count: 3 };
    let batch = DownloadBatch::new("2020-01-01T00:00:00Z".parse().expect("a time"), vec![count]);
    for store in [store as &dyn Database, other] {
        store.add_downloads(&batch).await.expect("add");
        store.refresh_totals().await.expect("refresh");
    }
    assert_eq!(store.package(&package, Reach::Everything).await.expect("read").expect("a package").downloads, 3);
}

/// Of sixteen who publish one version, one wins and the others are told.
pub(crate) async fn publish_a_version_once<S: Database>(stores: [Arc<S>; 2]) {
    let owner = actor(&*stores[0], "owner").await;
    let tasks: Vec<_> = (0..16)
        .map(|at| {
            let (store, owner) = (Arc::clone(&stores[at % 2]), owner.clone());
            // Build metadata does not make it another version.
            let version = format!("1.0.0+{at}");
            tokio::spawn(async move { publish(&*store, &owner, "greet-kit", &version, json!({})).await })
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
pub(crate) async fn whole_log(store: &impl Database) -> Vec<AuditEntry> {
    let page = PageRequest { page: 1, limit: 10_000 };
    let filter = AuditFilter { package: None, event: None, actor: None, from: None, to: None, page };
    let mut entries = store.entries(&filter).await.expect("read").items;
    entries.reverse();
    entries
}

/// Requires every entry to be chained to the one before.
pub(crate) fn is_whole(entries: &[AuditEntry]) {
    let mut hash = ChainHash::from([0; 32]);
    for (position, entry) in (1..).zip(entries) {
        hash = entry.entry.chain_hash(&hash, position);
        assert_eq!(entry.chained, Some((position, hash)));
    }
}

/// The audit chain is whole under writers and sequencers on both.
pub(crate) async fn keep_one_audit_chain<S: Database>(stores: [Arc<S>; 2]) {
    let owner = actor(&*stores[0], "owner").await;
    let writers = (0..8).map(|writer| {
        let (store, owner) = (Arc::clone(&stores[writer % 2]), owner.clone());
        tokio::spawn(async move {
            for patch in 0..10 {
                publish(&*store, &owner, &format!("kit{writer}"), &format!("1.0.{patch}"), json!({}))
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
    let entries = whole_log(&*stores[1]).await;
    assert_eq!(entries.len(), 81);
    is_whole(&entries);
}
