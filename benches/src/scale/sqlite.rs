use std::path::Path;

use rusqlite::{
    Connection, ToSql,
    types::{ToSqlOutput, Value as SqlValue, ValueRef},
};

use super::{
    tables::{self, CHAIN, Dialect, Source},
    value::Value,
};
use crate::error::Result;

/// Fills an SQLite database that has been migrated and is empty.
pub(super) fn fill(path: &Path, source: &Source<'_>) -> Result<()> {
    let mut connection = Connection::open(path)?;
    // If this is interrupted, the file is generated again.
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "cache_size", -1_000_000)?;
    for table in tables::of(Dialect::Sqlite) {
        let tx = connection.transaction()?;
        let marks = vec!["?"; table.columns.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", table.name, table.columns.join(", "));
        let mut insert = tx.prepare(&sql)?;
        for row in (table.rows)(source) {
            insert.execute(rusqlite::params_from_iter(row))?;
        }
        drop(insert);
        tx.commit()?;
    }
    connection.execute_batch(TOTALS)?;
    connection.execute(CHAIN, [])?;
    connection.pragma_update(None, "wal_checkpoint", "truncate")?;
    Ok(())
}

/// The registry's totals.
pub(super) const TOTALS: &str = "UPDATE registry_totals SET
    packages = (SELECT count(*) FROM packages),
    versions = (SELECT count(*) FROM versions),
    users = (SELECT count(*) FROM users),
    downloads = (SELECT coalesce(sum(downloads), 0) FROM packages),
    storage_bytes = (SELECT coalesce(sum(archive_size), 0) FROM versions);";

/// The definitions of a database's tables and indexes, as one text.
pub(super) fn schema(path: &Path) -> Result<String> {
    let connection = Connection::open(path)?;
    let mut query = connection.prepare("SELECT coalesce(sql, name) FROM sqlite_master ORDER BY name")?;
    let rows = query.query_map([], |row| row.get::<_, String>(0))?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.join("\n"))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(SqlValue::Null),
            Self::Bool(value) => ToSqlOutput::Owned(SqlValue::Integer(i64::from(*value))),
            Self::Int(value) => ToSqlOutput::Owned(SqlValue::Integer(*value)),
            Self::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Self::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
        })
    }
}
