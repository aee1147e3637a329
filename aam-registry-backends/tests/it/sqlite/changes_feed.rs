use std::time::Duration;

use aam_registry_core::{
    ports::{ChangeEvent, ChangeFeed},
    types::Change,
};
use futures_util::StreamExt;
use serde_json::json;

use super::world::{actor, database, open, publish};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_change_of_another_process_is_told_and_an_own_one_is_not() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    let mut changes = store.changes().subscribe();
    let mut next = async || tokio::time::timeout(PATIENCE, changes.next()).await.expect("in time").expect("no end");
    assert_eq!(next().await, ChangeEvent::Linked);

    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    let other = open(folder.path()).await;
    // Opening changes nothing; the first event after the own publish is that of the other's.
    publish(&other, &owner, "greet-kit", "1.1.0", json!({})).await.expect("publish");
    assert_eq!(next().await, ChangeEvent::Changed(Change::Everything));
    let quiet = tokio::time::timeout(Duration::from_secs(1), changes.next()).await;
    assert!(quiet.is_err(), "told again: {quiet:?}");
    publish(&store, &owner, "greet-kit", "1.2.0", json!({})).await.expect("publish");
    let quiet = tokio::time::timeout(Duration::from_secs(1), changes.next()).await;
    assert!(quiet.is_err(), "told of an own change: {quiet:?}");
}
