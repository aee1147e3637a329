use aam_registry_core::{Error, Result, error::Outcome};
use rusqlite::{Connection, types::ValueRef};

use super::catalogue::{quoted, tables};
use crate::{
    relational::rows::{Cell, RowSink},
    sqlite::{
        SqliteConfig,
        connection::open_reader,
        failure::{Failure, Tx, unavailable},
        schema,
    },
};

/// Gives all rows to `sink`, as they are at one instant while others write. Returns the names of the migrations that
/// made the schema. Blocks.
///
/// The rows are read in one transaction: what is written meanwhile stays in the write-ahead log until it ends.
///
/// # Errors
/// A backend error of kind database where the database cannot be read, is damaged, or its schema is not that of this
/// release; and what `sink` fails with.
pub fn read_rows(config: &SqliteConfig, sink: &mut dyn RowSink) -> Result<Vec<String>> {
    if !config.path().exists() {
        let reason = format!("there is no database at {}", config.path().display());
        return Err(Error::database(reason, false, Outcome::NotApplied));
    }
    let connection = open_reader(config)?;
    schema::require_current(&connection)?;
    let mut read = || {
        let tx = connection.unchecked_transaction()?;
        read_all(&tx, sink)?;
        schema::applied_names(&tx)
    };
    read().map_err(Failure::into_error)
}

/// The same within a transaction.
pub(super) fn read_all(tx: &Connection, sink: &mut dyn RowSink) -> Tx<()> {
    for table in tables(tx)? {
        let names = table.names();
        sink.table(&table.table, &names)?;
        let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let query = format!("SELECT {} FROM {} ORDER BY {}", list(&names), quoted(&table.table), list(&table.key));
        let mut statement = tx.prepare(&query)?;
        let mut rows = statement.query([])?;
        let mut cells = Vec::with_capacity(names.len());
        while let Some(row) = rows.next()? {
            cells.clear();
            for (at, column) in names.iter().enumerate() {
                cells.push(cell(row.get_ref(at)?, &table.table, column)?);
            }
            sink.row(&cells)?;
        }
    }
    Ok(sink.end()?)
}

fn cell(value: ValueRef<'_>, table: &str, column: &str) -> Tx<Cell> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Text(text) => {
            Cell::Text(String::from_utf8(text.to_vec()).map_err(|_| {
                Failure::Corrupt(format!("the column {column} of {table} holds text that is not UTF-8"))
            })?)
        }
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => {
            return Err(Failure::Corrupt(format!(
                "the column {column} of {table} holds a fraction, which no backup has"
            )));
        }
    })
}

/// The error of SQLite, where nothing was changed.
pub(super) fn failed(error: rusqlite::Error) -> Error {
    unavailable(error, Outcome::NotApplied)
}
