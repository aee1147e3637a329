use std::time::Duration;

use aam_registry_backends::sqlite::{SqliteMetadata, migrate, oldest_release, pending_migrations};
use aam_registry_core::{ErrorCode, ports::PackageStore};
use rusqlite::Connection;

use super::world::{actor, config, database, open, publish};
use crate::searches;

#[tokio::test]
async fn four_starters_at_once_migrate_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let starters: Vec<_> = (0..4).map(|_| tokio::spawn(SqliteMetadata::open(config(folder.path())))).collect();
    for starter in starters {
        starter.await.expect("a task").expect("a database").check().await.expect("a schema");
    }
}

#[test]
fn four_commands_at_once_migrate_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = &config(folder.path());
    let ran = std::thread::scope(|scope| {
        let commands: Vec<_> = (0..4).map(|_| scope.spawn(|| migrate(config).expect("migrate"))).collect();
        commands.into_iter().flat_map(|command| command.join().expect("a thread")).collect::<Vec<_>>()
    });
    let known = pending_migrations(&super::world::config(&folder.path().join("elsewhere"))).expect("read");
    assert!(!known.is_empty());
    assert_eq!(ran, known, "each ran once, in order");
    assert_eq!(pending_migrations(config).expect("read"), Vec::<String>::new());
}

#[tokio::test]
async fn a_schema_that_is_behind_is_an_outage_until_it_is_brought_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(folder.path());
    let store = SqliteMetadata::open(config.clone().with_auto_migrate(false)).await.expect("a database");
    assert!(!pending_migrations(&config).expect("read").is_empty());
    let error = store.check().await.expect_err("no schema");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
    let error = store.totals().await.expect_err("no schema");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);

    let elsewhere = config.clone();
    tokio::task::spawn_blocking(move || migrate(&elsewhere)).await.expect("a task").expect("migrate");
    store.check().await.expect("it heals by itself");
    actor(&store, "owner").await;
}

#[test]
fn asking_what_is_pending_makes_no_database() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(!pending_migrations(&config(folder.path())).expect("read").is_empty());
    assert!(!config(folder.path()).path().exists());
}

#[tokio::test]
async fn the_schema_records_the_oldest_release_that_can_work_on_it() {
    let (store, folder) = database().await;
    drop(store);
    let connection = Connection::open(config(folder.path()).path()).expect("open");
    let recorded = "SELECT oldest_release FROM schema_compatibility";
    let recorded: String = connection.query_row(recorded, [], |row| row.get(0)).expect("read");
    assert_eq!(recorded, oldest_release());
}

/// What a later release leaves behind.
async fn newer_schema(oldest_release: &str) -> tempfile::TempDir {
    let (store, folder) = database().await;
    drop(store);
    let connection = Connection::open(config(folder.path()).path()).expect("open");
    let later = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 VALUES (1000, 'later', '2030-01-01T00:00:00Z', '1')";
    connection.execute(later, []).expect("insert");
    connection.execute("UPDATE schema_compatibility SET oldest_release = ?1", [oldest_release]).expect("update");
    folder
}

#[tokio::test]
async fn a_newer_schema_that_serves_this_release_is_accepted() {
    let folder = newer_schema("0.2.0").await;
    open(folder.path()).await.check().await.expect("it serves us");
}

#[tokio::test]
async fn a_running_server_stops_once_the_schema_excludes_it() {
    let (store, folder) = database().await;
    let owner = actor(&store, "owner").await;
    let connection = Connection::open(config(folder.path()).path()).expect("open");
    let later = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 VALUES (1000, 'later', '2030-01-01T00:00:00Z', '1');
                 UPDATE schema_compatibility SET oldest_release = '99.0.0'";
    connection.execute_batch(later).expect("a later release");
    let noticed = async {
        loop {
            match store.check().await {
                Ok(()) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(error) => return error,
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(30), noticed).await.expect("it is noticed");
    assert!(error.is_unfit(), "{error:?}");
    let error = publish(&store, &owner, "kit", "1.0.0", serde_json::json!({})).await.expect_err("nothing is written");
    assert!(error.is_unfit(), "{error:?}");
    connection.execute("UPDATE schema_compatibility SET oldest_release = '0.2.0'", []).expect("update");
    publish(&store, &owner, "kit", "1.0.0", serde_json::json!({})).await.expect("it is served again");
}

#[tokio::test]
async fn a_newer_schema_that_serves_it_no_longer_is_refused() {
    let folder = newer_schema("99.0.0").await;
    let error = SqliteMetadata::open(config(folder.path())).await.expect_err("it does not serve us");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
    let store = SqliteMetadata::open(config(folder.path()).with_auto_migrate(false)).await.expect("a database");
    let error = store.check().await.expect_err("it does not serve us");
    assert_eq!(error.code(), ErrorCode::DatabaseUnavailable);
    assert!(std::error::Error::source(&error).expect("a cause").to_string().contains("99.0.0"), "{error:?}");
}

#[tokio::test]
async fn what_was_listed_before_searches_ran_in_memory_is_found_as_before() {
    let (store, current) = database().await;
    drop(store);
    let folder = tempfile::tempdir().expect("a folder");
    let connection = Connection::open(config(folder.path()).path()).expect("open");
    for script in [
        include_str!("../../../src/sqlite/migrations/V1__registry.sql"),
        include_str!("../../../src/sqlite/migrations/V2__download_batches.sql"),
        include_str!("listed_by_words.sql"),
    ] {
        connection.execute_batch(script).expect("a script");
    }
    let current = config(current.path());
    connection.execute("ATTACH ?1 AS current", [current.path().to_str().expect("a path")]).expect("attach");
    let history = "CREATE TABLE refinery_schema_history AS
                   SELECT * FROM current.refinery_schema_history WHERE version <= 2";
    connection.execute_batch(history).expect("a history");
    drop(connection);

    let config = config(folder.path());
    let ran = tokio::task::spawn_blocking(move || migrate(&config)).await.expect("a task").expect("migrate");
    assert_eq!(ran.first().map(String::as_str), Some("V3__search_changes"));
    let store = open(folder.path()).await;
    searches::find_what_was_listed_before(&store).await;
    assert_eq!(store.totals().await.expect("read").packages, 3);
}
