//! Sizes of a database and its slowest statements, for the operator.

use std::time::Duration;

/// The size of a database, and what takes the space.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseStats {
    /// Its size on the disk, in bytes.
    pub bytes: u64,
    /// The part of it that deleted rows left and that new rows can use, in bytes; an estimate on PostgreSQL.
    pub unused: u64,
    /// The tables, the largest first.
    pub tables: Vec<TableSize>,
    /// The statements that took most time in total, the slowest first, if the server counts them.
    pub slow: Option<Vec<SlowStatement>>,
}

/// The size of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub table: String,
    /// How many rows it has; an estimate on PostgreSQL.
    pub rows: u64,
    /// Its size including its indexes, in bytes.
    pub bytes: u64,
}

/// A kind of statement and the time that it took.
#[derive(Clone, Debug, PartialEq)]
pub struct SlowStatement {
    /// Its text, with placeholders for the parameters.
    pub statement: String,
    /// How often it ran.
    pub calls: u64,
    /// How long it took on average.
    pub mean: Duration,
    /// How long all of its runs took together.
    pub total: Duration,
}
