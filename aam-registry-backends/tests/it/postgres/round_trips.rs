//! How often a publish waits for the server.

use std::time::Duration;

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata};
use serde_json::json;

use super::{
    proxy::Proxy,
    world::{TestDatabase, actor, publish},
};

/// From the start of an upload to its commit: how often the server is waited for, and how many statements it runs.
const OF_A_PUBLISH: (usize, usize) = (4, 11);

/// A round trip to a database in another zone takes milliseconds. If this fails because a publish became faster,
/// lower the numbers; if it became slower, send the new statement together with others.
#[tokio::test]
async fn a_publish_takes_as_few_round_trips_as_it_did() {
    let (database, proxy) = (TestDatabase::new().await, Proxy::start().await);
    drop(database.open().await);
    let config = PostgresConfig::new(&proxy.url(&database.url())).expect("a URL").with_pool_size(1);
    let store = PostgresMetadata::open(config).await.expect("a database");
    let owner = actor(&store, "owner").await;
    // The first ones prepare the statements.
    for version in ["1.0.0", "1.0.1"] {
        publish(&store, &owner, "kit", version, json!({})).await.expect("publish");
    }
    proxy.delay_answers(Duration::from_millis(30));
    let mut fewest = (usize::MAX, usize::MAX);
    // Of several, since a connection is checked every few seconds, and a busy machine may send late what belongs
    // together.
    for version in ["1.0.2", "1.0.3", "1.0.4", "1.0.5"] {
        let (trips, statements) = proxy.round_trips_and_statements();
        publish(&store, &owner, "kit", version, json!({})).await.expect("publish");
        let (trips_after, statements_after) = proxy.round_trips_and_statements();
        fewest = (fewest.0.min(trips_after - trips), fewest.1.min(statements_after - statements));
    }
    assert_eq!(fewest, OF_A_PUBLISH, "round trips and statements");
}
