//! Several stores on one database stand for several replicas.

use std::sync::Arc;

use super::world::database;
use crate::replicas;

#[tokio::test]
async fn a_change_of_another_replica_is_seen_at_once() {
    let (store, database) = database().await;
    replicas::see_each_others_changes(&store, &database.open().await).await;
}

#[tokio::test]
async fn a_batch_counts_once_whatever_the_clock_says() {
    let (store, database) = database().await;
    replicas::count_once_whatever_the_clock_says(&store, &database.open().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_publishers_on_two_replicas_one_wins() {
    let (store, database) = database().await;
    replicas::publish_a_version_once([Arc::new(store), Arc::new(database.open().await)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_audit_chain_is_whole_under_writers_and_sequencers_on_two_replicas() {
    let (store, database) = database().await;
    replicas::keep_one_audit_chain([Arc::new(store), Arc::new(database.open().await)]).await;
}
