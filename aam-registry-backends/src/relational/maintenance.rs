//! What an operator wants to know of a database, and what is wrong with it.

use std::time::Duration;

/// How large a database is, and what takes the room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseStats {
    /// All that it takes on the disk, in bytes.
    pub bytes: u64,
    /// Of that, what deleted rows left and new ones can use, in bytes; an estimate on PostgreSQL.
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
    /// What it takes with its indexes, in bytes.
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
