use std::path::Path;

use aam_registry_backends::sqlite::{
    SqliteConfig, SqliteMetadata, begin_restore, migrate, migration_names, read_rows, require_empty, restore_rows,
};
use aam_registry_core::{Error, ports::UserStore};
use rusqlite::Connection;

use super::{Proof, Rows, fill};

pub(crate) fn config(folder: &Path, name: &str) -> SqliteConfig {
    SqliteConfig::new(folder.join(name))
}

/// A database with rows in every table, and those rows.
pub(crate) fn filled(config: &SqliteConfig) -> Rows {
    migrate(config).expect("migrated");
    let sql = fill(
        |hex| format!("x'{hex}'"),
        &[
            ("{true}", "1"),
            ("{false}", "0"),
            ("{change}", ", change"),
            ("{7}", ", 7"),
            ("{nul}", "'a' || char(0) || 'b' || char(1)"),
        ],
    );
    let connection = Connection::open(config.path()).expect("opened");
    connection.execute_batch(&sql).expect("filled");
    let rows = read(config);
    rows.assert_every_table_has_rows();
    rows
}

pub(crate) fn read(config: &SqliteConfig) -> Rows {
    let mut rows = Rows::default();
    let migrations = read_rows(config, &mut rows).expect("read");
    assert_eq!(migrations, migration_names());
    rows
}

pub(crate) fn restore(config: &SqliteConfig, rows: &Rows) {
    begin_restore(config, &migration_names()).expect("begun");
    restore_rows(config, &migration_names(), &mut rows.clone(), &mut Proof::of(rows)).expect("restored");
}

fn told(error: &Error) -> String {
    match error {
        Error::Backend(backend) => backend.source.to_string(),
        other => other.to_string(),
    }
}

#[test]
fn every_row_of_a_database_is_restored_into_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = filled(&config(folder.path(), "one.db"));
    let restored = config(folder.path(), "two.db");
    restore(&restored, &rows);
    read(&restored).assert_same(&rows);
    // Numbers that were given are not given again.
    let connection = Connection::open(restored.path()).expect("opened");
    let insert = "INSERT INTO audit_log (entry_id, event, timestamp, metadata) VALUES ('x', 'x', 1, '{}') RETURNING id";
    assert_eq!(connection.query_row(insert, [], |row| row.get(0)), Ok(71));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_restored_database_serves_nobody_and_can_be_restored_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = filled(&config(folder.path(), "one.db"));
    let half = config(folder.path(), "two.db");
    begin_restore(&half, &migration_names()).expect("begun");
    let refused = SqliteMetadata::open(half.clone()).await.expect_err("half restored");
    assert!(
        told(&refused).contains("a restore into it was not finished; run `aam-registry restore` again"),
        "{refused}"
    );
    // What reads back otherwise is not kept.
    let mut proof = Proof::of(&Rows::default());
    let refused = restore_rows(&half, &migration_names(), &mut rows.clone(), &mut proof).expect_err("other rows");
    assert!(told(&refused).contains("other rows"), "{refused}");
    require_empty(&half).expect("as empty as before");
    restore(&half, &rows);
    read(&half).assert_same(&rows);
    let store = SqliteMetadata::open(half).await.expect("whole");
    assert!(store.login("ada").await.expect("read").is_some());
}

#[test]
fn nothing_is_restored_into_a_database_with_rows_or_from_rows_of_other_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let one = config(folder.path(), "one.db");
    let rows = filled(&one);
    let refused = begin_restore(&one, &migration_names()).expect_err("not empty");
    assert!(told(&refused).contains("it is not empty, its table approvals has rows"), "{refused}");

    let two = config(folder.path(), "two.db");
    migrate(&two).expect("migrated");
    begin_restore(&two, &migration_names()).expect("an empty registry will do");
    let mut other = rows.clone();
    other.tables.remove("users");
    let refused = restore_rows(&two, &migration_names(), &mut other, &mut Proof::of(&rows)).expect_err("other tables");
    assert!(told(&refused).contains("the backup lacks the table users"), "{refused}");
    let mut other = rows.clone();
    other.tables.get_mut("users").expect("there").0[0] = "nickname".to_owned();
    let refused = restore_rows(&two, &migration_names(), &mut other, &mut Proof::of(&rows)).expect_err("other columns");
    assert!(told(&refused).contains("the table users has the columns"), "{refused}");
    let refused = begin_restore(&two, &["from_a_release_to_come".to_owned()]).expect_err("no such schema");
    assert!(told(&refused).contains("which schema"), "{refused}");
}

#[test]
fn a_restore_that_was_killed_after_the_first_migration_can_begin_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let killed = config(folder.path(), "killed.db");
    let names = migration_names();
    begin_restore(&killed, &names[..1]).expect("begun");
    require_empty(&killed).expect("the index of the first schema has no texts");
    begin_restore(&killed, &names).expect("begun again");
}

#[test]
fn a_restore_begins_with_the_schema_of_the_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = config(folder.path(), "old.db");
    let names = migration_names();
    let before = &names[..names.iter().position(|name| name == "registry_id_spelling").expect("known")];
    begin_restore(&old, before).expect("begun");
    let connection = Connection::open(old.path()).expect("opened");
    let id: String =
        connection.query_row("SELECT registry_id FROM registry_identity", [], |row| row.get(0)).expect("an id");
    assert_eq!(id.len(), 32, "as that schema spells it");
    // A database of a newer schema cannot take it.
    let new = config(folder.path(), "new.db");
    migrate(&new).expect("migrated");
    let refused = begin_restore(&new, before).expect_err("newer");
    assert!(told(&refused).contains("newer than that of the backup"), "{refused}");
}
