use aam_registry_backends::postgres;
use serde_json::json;

use super::world::{actor, database, publish};

#[tokio::test]
async fn sizes_are_told_by_table_and_a_vacuum_visits_each() {
    let (store, test) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    let mut visited = Vec::new();
    postgres::vacuum(&test.config(), |table| visited.push(table.to_owned())).await.expect("vacuum");
    let stats = postgres::stats(&test.config()).await.expect("stats");
    let mut tables: Vec<_> = stats.tables.iter().map(|table| table.table.clone()).collect();
    assert!(stats.tables.is_sorted_by(|one, other| one.bytes >= other.bytes), "{:?}", stats.tables);
    assert!(stats.bytes > stats.tables.iter().map(|table| table.bytes).sum::<u64>(), "{stats:?}");
    tables.sort();
    visited.sort();
    assert_eq!(visited, tables);
    assert!(tables.contains(&"versions".to_owned()), "{tables:?}");
    assert_eq!(stats.slow, None);
    assert_eq!(postgres::check(&test.config()).await.expect("checked"), [""; 0]);
}

#[tokio::test]
async fn an_index_that_was_broken_off_is_found() {
    let (_store, test) = database().await;
    let client = test.client().await;
    client.batch_execute("CREATE TABLE twins AS SELECT 1 AS one UNION ALL SELECT 1").await.expect("created");
    let broken = client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY twins_one ON twins (one)").await;
    broken.expect_err("they are not unique");
    let faults = postgres::check(&test.config()).await.expect("checked");
    assert_eq!(
        faults,
        ["the index twins_one is not used, because making it was broken off: REINDEX INDEX CONCURRENTLY twins_one"]
    );
}

#[tokio::test]
async fn every_table_is_bounded_or_explained() {
    let (_store, test) = database().await;
    let tables =
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'refinery_%'";
    let tables = test.client().await.query(tables, &[]).await.expect("read");
    crate::growth::assert_explained(tables.iter().map(|row| row.get(0)));
}
