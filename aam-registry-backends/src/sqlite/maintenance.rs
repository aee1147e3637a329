//! Sizes, checks and tidying of a database, by commands beside a running server.

use std::collections::BTreeMap;

use aam_registry_core::{Error, Result, error::Outcome};
use rusqlite::Connection;

use super::{
    SqliteConfig,
    connection::{open_reader, open_writer, setup_lock},
    failure::{Failure, Tx, unavailable},
    schema, sql,
};
use crate::relational::maintenance::{DatabaseStats, TableSize};

/// The most faults that a check reports.
const MAX_FAULTS: usize = 100;

/// How large the database is, by table. Reads every page. Blocks.
///
/// # Errors
/// A backend error where the database cannot be read, or its schema is not that of this release.
pub fn stats(config: &SqliteConfig) -> Result<DatabaseStats> {
    let connection = open_reader(config)?;
    schema::require_current(&connection)?;
    read_stats(&connection).map_err(Failure::into_error)
}

fn read_stats(connection: &Connection) -> Tx<DatabaseStats> {
    let pragma =
        |sql| Ok::<_, Failure>(sql::first(connection, sql, [], |row| sql::unsigned(row, 0))?.unwrap_or_default());
    let page = pragma("PRAGMA page_size")?;
    // An index counts as part of its table.
    let of_objects: Vec<(String, u64)> = sql::all(
        connection,
        "SELECT coalesce(object.tbl_name, pages.name), pages.pgsize \
         FROM dbstat AS pages LEFT JOIN sqlite_schema AS object ON object.name = pages.name \
         WHERE pages.aggregate = TRUE",
        [],
        |row| Ok((row.get(0)?, sql::unsigned(row, 1)?)),
    )?;
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for (table, bytes) in of_objects {
        *sizes.entry(table).or_default() += bytes;
    }
    sizes.retain(|table, _| !table.starts_with("sqlite_"));
    let mut tables = Vec::new();
    for (table, bytes) in sizes {
        let count = format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\""));
        let rows = sql::first(connection, &count, [], |row| sql::unsigned(row, 0))?.unwrap_or_default();
        tables.push(TableSize { table, rows, bytes });
    }
    tables.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.table.cmp(&other.table)));
    Ok(DatabaseStats {
        bytes: page * pragma("PRAGMA page_count")?,
        unused: page * pragma("PRAGMA freelist_count")?,
        tables,
        slow: None,
    })
}

/// Gives the room of deleted rows back to the disk. Whoever writes meanwhile waits, up to the time-out of a write;
/// whoever reads does not. Needs as much free room on the disk as the database takes. Blocks.
///
/// # Errors
/// A backend error where the database cannot be written, or others write to it for too long.
pub fn vacuum(config: &SqliteConfig) -> Result<()> {
    schema::require_current(&open_reader(config)?)?;
    let _setup = setup_lock(config)?;
    let connection = open_writer(config)?;
    let tidy = || {
        connection.execute_batch("VACUUM")?;
        // The file shrinks only when what is in the journal has gone into it; a reader may be in the way.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    };
    tidy().map_err(|error| unavailable(error, Outcome::NotApplied))
}

/// Reads the whole database and gives what is wrong with it, at most 100 faults; nothing if it is sound. Blocks.
///
/// # Errors
/// A backend error where the database cannot be read at all.
pub fn check(config: &SqliteConfig) -> Result<Vec<String>> {
    if !config.path().exists() {
        let reason = format!("there is no database at {}", config.path().display());
        return Err(Error::database(reason, false, Outcome::NotApplied));
    }
    let connection = open_reader(config)?;
    faults(&connection).map_err(|error| unavailable(error, Outcome::NotApplied))
}

fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({MAX_FAULTS})"))?;
    for verdict in check.query_map([], |row| row.get::<_, String>(0))? {
        let verdict = verdict?;
        if verdict != "ok" {
            faults.push(verdict);
        }
    }
    let mut check = connection.prepare("PRAGMA foreign_key_check")?;
    let orphans = check.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(2)?)))?;
    for orphan in orphans.take(MAX_FAULTS) {
        let (table, parent) = orphan?;
        faults.push(format!("a row of {table} refers to a row of {parent} that does not exist"));
    }
    faults.truncate(MAX_FAULTS);
    Ok(faults)
}
