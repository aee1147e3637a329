//! All rows of a database in a form that every database reads and writes: for backups.
//!
//! Which tables and columns there are is read from the catalogue of the database, so that a new table is never
//! forgotten. What means nothing in another database is listed by each adapter as [`LocalTables`] and left out.

mod catalogue;
mod restore;

use aam_registry_core::Result;

pub(crate) use catalogue::{LocalColumn, LocalTables, TableColumns, in_order_of_references};
pub(crate) use restore::migration_name;
pub(crate) use restore::{
    FIRST_STEPS, NEWER_THAN_BACKUP, RESTORED_MEANWHILE, SCHEMA_TABLES, SINGLETONS, mark_statements, refusal_statement,
    require_same_tables, steps_of, unmark_statements,
};

/// A value in a row. Truth values are 0 and 1; ids and days are text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// No value.
    Null,
    /// A number or a truth value.
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes, such as a digest.
    Bytes(Vec<u8>),
}

/// Receives the rows of a database, one table after the other.
pub trait RowSink: Send {
    /// Begins a table; the rows that follow have these columns.
    ///
    /// # Errors
    /// Ends the reading.
    fn table(&mut self, name: &str, columns: &[String]) -> Result<()>;

    /// Receives a row. Rows come in the order of their primary key, which is the same in every database.
    ///
    /// # Errors
    /// Ends the reading.
    fn row(&mut self, cells: &[Cell]) -> Result<()>;

    /// Ends the last table.
    ///
    /// # Errors
    /// Fails the reading, for example because the rows are not those that were expected.
    fn end(&mut self) -> Result<()>;
}

/// Gives rows to a database.
pub trait RowSource: Send {
    /// The names of the tables.
    ///
    /// # Errors
    /// If they cannot be read.
    fn tables(&mut self) -> Result<Vec<String>>;

    /// The rows of one table.
    ///
    /// # Errors
    /// If they cannot be read.
    fn open(&mut self, table: &str) -> Result<TableRows>;
}

/// The rows of one table.
#[expect(missing_debug_implementations, reason = "an iterator of any type")]
pub struct TableRows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with as many cells as there are columns.
    pub rows: Box<dyn Iterator<Item = Result<Vec<Cell>>> + Send>,
}
