use std::collections::BTreeSet;

use aam_registry_core::{Error, Result, error::Outcome};
use rusqlite::{Connection, params_from_iter, types::Value};

use super::{
    catalogue::{every_table, numbered, quoted, tables},
    read::{failed, read_all},
};
use crate::{
    relational::rows::{
        Cell, RowSink, RowSource, SCHEMA_TABLES, SINGLETONS, TableColumns, TableRows, require_same_tables,
    },
    sqlite::{
        SqliteConfig,
        connection::{open_reader, open_writer, setup_lock},
        failure::{Failure, Tx},
        schema, sql,
    },
};

/// Requires that there is no database, or that it has no rows but those with which every registry begins. What a
/// restore left that was killed counts as empty. Blocks.
///
/// # Errors
/// A backend error of kind database that names a table with rows, or if the database cannot be read.
pub fn require_empty(config: &SqliteConfig) -> Result<()> {
    let exists = config.path().metadata().is_ok_and(|file| file.len() > 0);
    if exists { empty(&open_reader(config)?).map_err(Failure::into_error) } else { Ok(()) }
}

fn empty(connection: &Connection) -> Tx<()> {
    for table in every_table(connection)? {
        if SCHEMA_TABLES.contains(&table.as_str()) || SINGLETONS.contains(&table.as_str()) {
            continue;
        }
        if sql::exists(connection, &format!("SELECT 1 FROM {}", quoted(&table)), [])? {
            let reason = format!("it is not empty, its table {table} has rows; restore into a new database");
            return Err(Error::database(reason, false, Outcome::NotApplied).into());
        }
    }
    Ok(())
}

/// Makes an empty database ready for [`restore_rows`]: with the schema that a backup had, which the migrations of
/// these names made, and marked, so that no server works on it before the restore is complete. Blocks.
///
/// # Errors
/// As [`require_empty`]; or if this release does not know the schema, or the database has a newer one.
pub fn begin_restore(config: &SqliteConfig, migrations: &[String]) -> Result<()> {
    require_empty(config)?;
    let _setup = setup_lock(config)?;
    let mut connection = open_writer(config)?;
    empty(&connection).map_err(Failure::into_error)?;
    schema::begin_restore(&mut connection, migrations)
}

/// Fills a database that [`begin_restore`] made ready with the rows of `source`, and reads all of them back into
/// `proof`, which fails if they are not the same. Only then they are kept, in one transaction, and later migrations
/// run. Blocks.
///
/// # Errors
/// A backend error of kind database where the database cannot be written, or `source` has other tables or columns; and
/// what `source` and `proof` fail with. The database then is as before.
pub fn restore_rows(
    config: &SqliteConfig,
    migrations: &[String],
    source: &mut dyn RowSource,
    proof: &mut dyn RowSink,
) -> Result<()> {
    let setup = setup_lock(config)?;
    let connection = open_writer(config)?;
    connection.execute_batch("BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON").map_err(failed)?;
    let mut restored = || {
        schema::require_unfinished(&connection)?;
        fill(&connection, source).map_err(Failure::into_error)?;
        read_all(&connection, proof).map_err(Failure::into_error)?;
        schema::unmark_unfinished(&connection, migrations)?;
        connection.execute_batch("COMMIT").map_err(failed)
    };
    restored().inspect_err(|_| {
        let _ = connection.execute_batch("ROLLBACK");
    })?;
    drop((connection, setup));
    schema::migrate(config)?;
    Ok(())
}

fn fill(tx: &Connection, source: &mut dyn RowSource) -> Tx<()> {
    let ours = tables(tx)?;
    let given: BTreeSet<String> = source.tables()?.into_iter().collect();
    require_same_tables(&ours.iter().map(|table| table.table.clone()).collect(), &given)?;
    for table in SINGLETONS {
        tx.execute(&format!("DELETE FROM {table}"), [])?;
    }
    for table in &ours {
        insert(tx, table, source.open(&table.table)?)?;
    }
    Ok(())
}

fn insert(tx: &Connection, table: &TableColumns<()>, given: TableRows) -> Tx<()> {
    if given.columns != table.names() {
        let reason = format!("the table {} has the columns {:?} in the backup", table.table, given.columns);
        return Err(Error::unfit(reason).into());
    }
    let numbered = numbered(&table.table);
    let names: Vec<_> = given.columns.iter().map(String::as_str).chain(numbered).map(quoted).collect();
    let places: Vec<_> = (1..=names.len()).map(|place| format!("?{place}")).collect();
    let insert = format!("INSERT INTO {} ({}) VALUES ({})", quoted(&table.table), names.join(", "), places.join(", "));
    let mut insert = tx.prepare(&insert)?;
    for (row, number) in given.rows.zip(1..) {
        let number = numbered.map(|_| Value::Integer(number));
        insert.execute(params_from_iter(row?.into_iter().map(value).chain(number)))?;
    }
    Ok(())
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::Integer(number),
        Cell::Text(text) => Value::Text(text),
        Cell::Bytes(bytes) => Value::Blob(bytes),
    }
}
