use aam_registry_backends::sqlite;
use rusqlite::Connection;
use serde_json::json;

use super::world::{actor, config, database, publish};

#[tokio::test]
async fn sizes_are_told_by_table_and_a_vacuum_gives_room_back() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    let padding = "x".repeat(100_000);
    for version in 0..20 {
        publish(&store, &owner, "greet-kit", &format!("1.0.{version}"), json!({ "extra": padding }))
            .await
            .expect("publish");
    }
    let config = config(folder.path());
    let stats = sqlite::stats(&config).expect("stats");
    let versions = stats.tables.iter().find(|table| table.table == "versions").expect("listed");
    assert_eq!(versions.rows, 20);
    assert!(stats.tables[0].bytes > 1_000_000, "{:?}", stats.tables);
    assert!(stats.tables.is_sorted_by(|one, other| one.bytes >= other.bytes), "{:?}", stats.tables);
    assert!(stats.tables.iter().all(|table| !table.table.starts_with("sqlite_")), "{:?}", stats.tables);
    assert!(stats.tables.iter().map(|table| table.bytes).sum::<u64>() <= stats.bytes, "{stats:?}");

    let other = Connection::open(config.path()).expect("open");
    other.execute("CREATE TABLE large AS SELECT randomblob(4000000) AS bytes", []).expect("created");
    other.execute("DROP TABLE large", []).expect("dropped");
    drop(other);
    let before = sqlite::stats(&config).expect("stats");
    assert!(before.unused > 3_000_000, "{before:?}");
    // While others have it open.
    sqlite::vacuum(&config).expect("vacuum");
    let after = sqlite::stats(&config).expect("stats");
    assert!(after.unused == 0 && after.bytes + 3_000_000 < before.bytes, "{before:?} {after:?}");
    publish(&store, &owner, "greet-kit", "2.0.0", json!({})).await.expect("publish");
    assert_eq!(sqlite::check(&config).expect("checked"), [""; 0]);
}

#[tokio::test]
async fn damage_is_found() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    publish(&store, &owner, "greet-kit", "1.0.0", json!({})).await.expect("publish");
    drop(store);
    let config = config(folder.path());
    let other = Connection::open(config.path()).expect("open");
    other.execute_batch("PRAGMA foreign_keys = off; DELETE FROM packages").expect("deleted");
    drop(other);
    let faults = sqlite::check(&config).expect("checked");
    assert!(
        faults.iter().any(|fault| fault == "a row of versions refers to a row of packages that does not exist"),
        "{faults:?}"
    );
}
