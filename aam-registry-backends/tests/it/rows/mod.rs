//! All rows of a database, from one to another: row by row, every table that the databases have.

pub(crate) mod sqlite;

use std::collections::BTreeMap;

use aam_registry_backends::{Cell, RowSink, RowSource, TableRows};
use aam_registry_core::{Error, Result};

const FILL: &str = include_str!("fill.sql");

/// The columns of a table, and its rows.
pub(crate) type Table = (Vec<String>, Vec<Vec<Cell>>);

/// The rows of all tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) tables: BTreeMap<String, Table>,
    last: String,
}

impl Rows {
    /// Requires a row in each table, or a test would compare nothing.
    #[track_caller]
    pub(crate) fn assert_every_table_has_rows(&self) {
        let empty: Vec<_> = self.tables.iter().filter(|(_, (_, rows))| rows.is_empty()).map(|(name, _)| name).collect();
        assert!(empty.is_empty(), "fill.sql has no row of {empty:?}: add one");
        assert!(self.tables.len() > 30, "only {:?}", self.tables.keys());
    }

    fn columns(&self) -> Vec<(&String, &Vec<String>)> {
        self.tables.iter().map(|(table, (columns, _))| (table, columns)).collect()
    }

    #[track_caller]
    pub(crate) fn assert_same(&self, other: &Self) {
        assert_eq!(self.columns(), other.columns(), "the tables have the same columns in each database");
        for (table, (_, rows)) in &self.tables {
            assert_eq!(rows, &other.tables[table].1, "the rows of {table}");
        }
    }
}

impl RowSink for Rows {
    fn table(&mut self, name: &str, columns: &[String]) -> Result<()> {
        name.clone_into(&mut self.last);
        self.tables.insert(name.to_owned(), (columns.to_vec(), Vec::new()));
        Ok(())
    }

    fn row(&mut self, cells: &[Cell]) -> Result<()> {
        self.tables.get_mut(&self.last).expect("begun").1.push(cells.to_vec());
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.last.clear();
        Ok(())
    }
}

impl RowSource for Rows {
    fn tables(&mut self) -> Result<Vec<String>> {
        Ok(self.tables.keys().cloned().collect())
    }

    fn open(&mut self, table: &str) -> Result<TableRows> {
        let (columns, rows) = self.tables[table].clone();
        Ok(TableRows { columns, rows: Box::new(rows.into_iter().map(Ok)) })
    }
}

/// Compares what a restore reads back.
pub(crate) struct Proof {
    expected: Rows,
    found: Rows,
}

impl Proof {
    pub(crate) fn of(expected: &Rows) -> Self {
        Self { expected: expected.clone(), found: Rows::default() }
    }
}

impl RowSink for Proof {
    fn table(&mut self, name: &str, columns: &[String]) -> Result<()> {
        self.found.table(name, columns)
    }

    fn row(&mut self, cells: &[Cell]) -> Result<()> {
        self.found.row(cells)
    }

    fn end(&mut self) -> Result<()> {
        self.found.end()?;
        if self.found == self.expected { Ok(()) } else { Err(Error::storage("other rows", false)) }
    }
}

/// The statements that fill a database, in its dialect.
pub(crate) fn fill(bytes: impl Fn(&str) -> String, words: &[(&str, &str)]) -> String {
    let mut sql = words.iter().fold(FILL.to_owned(), |sql, (word, text)| sql.replace(word, text));
    while let Some(begin) = sql.find("{bytes:") {
        let end = begin + sql[begin..].find('}').expect("closed");
        let hex = bytes(&sql[begin + "{bytes:".len()..end]);
        sql.replace_range(begin..=end, &hex);
    }
    sql
}
