//! All rows of a database, to SQLite and back.

use aam_registry_backends::postgres::{
    PostgresConfig, PostgresMetadata, begin_restore, migration_names, read_rows, require_empty, restore_rows,
};
use aam_registry_core::{Error, ports::UserStore};

use super::world::TestDatabase;
use crate::rows::{Proof, Rows, fill, sqlite};

/// A database with rows in every table, and those rows.
async fn filled() -> (TestDatabase, Rows) {
    let database = TestDatabase::new().await;
    let sql = fill(
        |hex| format!("decode('{hex}', 'hex')"),
        &[
            ("{true}", "TRUE"),
            ("{false}", "FALSE"),
            ("{change}", ""),
            ("{7}", ""),
            ("{nul}", "'a' || chr(1) || '0b' || chr(1) || '1'"),
        ],
    );
    database.client().await.batch_execute(&sql).await.expect("filled");
    let rows = read(&database.config()).await;
    rows.assert_every_table_has_rows();
    (database, rows)
}

async fn read(config: &PostgresConfig) -> Rows {
    let mut rows = Rows::default();
    let migrations = read_rows(config, &mut rows).await.expect("read");
    assert_eq!(migrations, migration_names());
    rows
}

async fn restore(config: &PostgresConfig, names: &[String], rows: &Rows) {
    begin_restore(config, names).await.expect("begun");
    restore_rows(config, names, &mut rows.clone(), &mut Proof::of(rows)).await.expect("restored");
}

fn told(error: &Error) -> String {
    match error {
        Error::Backend(backend) => backend.source.to_string(),
        other => other.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_goes_from_postgresql_to_sqlite_and_back() {
    let (_database, rows) = filled().await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = sqlite::config(folder.path(), "one.db");
    tokio::task::block_in_place(|| {
        aam_registry_backends::sqlite::begin_restore(&config, &migration_names()).expect("begun");
        let mut proof = Proof::of(&rows);
        aam_registry_backends::sqlite::restore_rows(&config, &migration_names(), &mut rows.clone(), &mut proof)
            .expect("restored");
        sqlite::read(&config).assert_same(&rows);
    });
    let other = TestDatabase::empty().await;
    restore(&other.config(), &aam_registry_backends::sqlite::migration_names(), &rows).await;
    read(&other.config()).await.assert_same(&rows);
    // Numbers that were given are not given again.
    let insert = "INSERT INTO packages (name, created_at, updated_at) VALUES ('next', 1, 1) RETURNING id";
    let next: i64 = other.client().await.query_one(insert, &[]).await.expect("inserted").get(0);
    assert_eq!(next, 901);
    let store = PostgresMetadata::open(other.config()).await.expect("opened");
    assert!(store.login("ada").await.expect("read").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_fill_alike() {
    let (_database, rows) = filled().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut others = sqlite::filled(&sqlite::config(folder.path(), "one.db"));
    // The ids of two registries.
    others.tables.insert("registry_identity".to_owned(), rows.tables["registry_identity"].clone());
    others.assert_same(&rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_that_wait_to_be_added_are_read_with_the_others() {
    let (database, mut rows) = filled().await;
    let waiting = "INSERT INTO pending_totals (packages, storage_bytes) VALUES (1, 100), (2, -50)";
    database.client().await.batch_execute(waiting).await.expect("inserted");
    let (columns, totals) = rows.tables.get_mut("registry_totals").expect("there");
    for (column, more) in [("packages", 3), ("storage_bytes", 50)] {
        let place = columns.iter().position(|name| name == column).expect("there");
        if let aam_registry_backends::Cell::Integer(number) = &mut totals[0][place] {
            *number += more;
        }
    }
    read(&database.config()).await.assert_same(&rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_restored_database_serves_nobody_and_can_be_restored_again() {
    let (full, rows) = filled().await;
    let half = TestDatabase::empty().await;
    begin_restore(&half.config(), &migration_names()).await.expect("begun");
    let store = PostgresMetadata::open(half.config()).await.expect("opened");
    let refused = store.login("ada").await.expect_err("half restored");
    assert!(told(&refused).contains("a restore into it was not finished"), "{refused}");
    let mut proof = Proof::of(&Rows::default());
    let refused = restore_rows(&half.config(), &migration_names(), &mut rows.clone(), &mut proof).await;
    assert!(told(&refused.expect_err("other rows")).contains("other rows"));
    require_empty(&half.config()).await.expect("as empty as before");
    restore(&half.config(), &migration_names(), &rows).await;
    read(&half.config()).await.assert_same(&rows);

    let refused = begin_restore(&full.config(), &migration_names()).await.expect_err("not empty");
    assert!(told(&refused).contains("it is not empty, its table approvals has rows"), "{refused}");
    let other = TestDatabase::empty().await;
    other.client().await.batch_execute("CREATE TABLE wiki (page TEXT)").await.expect("made");
    let refused = begin_restore(&other.config(), &migration_names()).await.expect_err("of something else");
    assert!(told(&refused).contains("it has tables of something else, such as wiki"), "{refused}");
}
