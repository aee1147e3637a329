use rusqlite::Connection;

use crate::{
    relational::rows::{LocalColumn, LocalTables, SCHEMA_TABLES, TableColumns},
    sqlite::{failure::Tx, sql},
};

/// What only this database can use: uploads in progress, whose bytes are not backed up; leases of jobs; and the
/// numbers of the last changes, by which searches find out what to read again.
const LOCAL: LocalTables = LocalTables {
    tables: &["uploads"],
    columns: &[
        LocalColumn { table: "jobs", column: "lease", is_number: false },
        LocalColumn { table: "listings", column: "change", is_number: true },
    ],
};

/// All tables, by name, but SQLite's own and those of the text index that the first schema had: it is made from other
/// tables and has rows of its own even when they have none.
pub(super) fn every_table(tx: &Connection) -> Tx<Vec<String>> {
    let tables = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
                  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    sql::all(tx, tables, [], sql::value)
}

/// The tables that are copied, by name.
pub(super) fn tables(tx: &Connection) -> Tx<Vec<TableColumns<()>>> {
    let is_copied = |table: &String| !LOCAL.has_table(table) && !SCHEMA_TABLES.contains(&table.as_str());
    every_table(tx)?.into_iter().filter(is_copied).map(|table| columns(tx, table)).collect()
}

fn columns(tx: &Connection, table: String) -> Tx<TableColumns<()>> {
    let columns = "SELECT name, pk FROM pragma_table_info(?1) ORDER BY name";
    let columns: Vec<(String, i64)> = sql::all(tx, columns, [&table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut key: Vec<_> = columns.iter().filter(|(_, place)| *place > 0).collect();
    key.sort_by_key(|(_, place)| *place);
    let mut key: Vec<_> = key.into_iter().map(|(name, _)| name.clone()).collect();
    let columns: Vec<_> = columns
        .into_iter()
        .filter(|(name, _)| LOCAL.column(&table, name).is_none())
        .map(|(name, _)| (name, ()))
        .collect();
    if key.is_empty() {
        key = columns.iter().map(|(name, ())| name.clone()).collect();
    }
    Ok(TableColumns { table, columns, key })
}

/// The column of a table in which restored rows are numbered, if it has one.
pub(super) fn numbered(table: &str) -> Option<&'static str> {
    LOCAL.columns.iter().find(|local| local.table == table && local.is_number).map(|local| local.column)
}

/// A name as SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
