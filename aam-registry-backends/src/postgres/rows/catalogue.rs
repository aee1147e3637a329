use std::collections::BTreeMap;

use crate::{
    postgres::{
        connection::Session,
        failure::{Failure, Tx},
        sql,
    },
    relational::rows::{LocalColumn, LocalTables, SCHEMA_TABLES, TableColumns},
};

/// What only this database can use: uploads in progress, whose bytes are not backed up; leases of jobs; what is to be
/// added to the totals, which [`select_of`] adds; and the numbers of transactions, by which searches find out what to
/// read again.
const LOCAL: LocalTables = LocalTables {
    tables: &["pending_totals", "uploads"],
    columns: &[
        LocalColumn { table: "jobs", column: "lease", is_number: false },
        LocalColumn { table: "listings", column: "changed_by", is_number: false },
        LocalColumn { table: "listings", column: "revision", is_number: false },
        // Those that a restore adds are looked at again.
        LocalColumn { table: "versions", column: "dependencies_listed", is_number: false },
    ],
};

/// How the values of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Truth,
    Text,
    /// Text of a form that the database checks: an id or a day.
    Plain,
    Bytes,
}

impl Kind {
    fn of(type_name: &str) -> Option<Self> {
        Some(match type_name {
            "int2" | "int4" | "int8" => Self::Integer,
            "bool" => Self::Truth,
            "text" => Self::Text,
            "uuid" | "date" => Self::Plain,
            "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

/// A table, and what it refers to or is filled by.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) columns: TableColumns<Kind>,
    /// The columns that the database numbers itself.
    pub(super) numbered: Vec<String>,
}

/// All tables of the schema, by name.
pub(super) async fn every_table(session: &Session) -> Tx<Vec<String>> {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
                  AND relkind IN ('r', 'p') ORDER BY relname::text COLLATE \"C\"";
    sql::all(session, tables, [], |row| Ok(row.try_get(0)?)).await
}

/// The tables that are copied, by name.
pub(super) async fn tables(session: &Session) -> Tx<Vec<Table>> {
    let columns = "SELECT c.relname::text, a.attname::text, t.typname::text, a.attidentity <> '', \
                       array_position(i.indkey::int2[], a.attnum) \
                   FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid \
                       LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
                   WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') \
                       AND a.attnum > 0 AND NOT a.attisdropped \
                   ORDER BY c.relname::text COLLATE \"C\", a.attname::text COLLATE \"C\"";
    let columns: Vec<CatalogueRow> = sql::all(session, columns, [], |row| {
        Ok(CatalogueRow {
            table: row.try_get(0)?,
            column: row.try_get(1)?,
            type_name: row.try_get(2)?,
            is_numbered: row.try_get(3)?,
            place_in_key: row.try_get(4)?,
        })
    })
    .await?;
    let mut tables: BTreeMap<String, Vec<CatalogueRow>> = BTreeMap::new();
    for column in columns {
        if !LOCAL.has_table(&column.table) && !SCHEMA_TABLES.contains(&column.table.as_str()) {
            tables.entry(column.table.clone()).or_default().push(column);
        }
    }
    tables.into_iter().map(|(table, columns)| table_of(table, &columns)).collect()
}

struct CatalogueRow {
    table: String,
    column: String,
    type_name: String,
    is_numbered: bool,
    place_in_key: Option<i32>,
}

fn table_of(table: String, rows: &[CatalogueRow]) -> Tx<Table> {
    let mut columns = Vec::new();
    for row in rows.iter().filter(|row| LOCAL.column(&table, &row.column).is_none()) {
        let kind = Kind::of(&row.type_name).ok_or_else(|| {
            Failure::Corrupt(format!("the column {} of {table} has the type {}", row.column, row.type_name))
        })?;
        columns.push((row.column.clone(), kind));
    }
    let mut key: Vec<_> = rows.iter().filter_map(|row| Some((row.place_in_key?, row.column.clone()))).collect();
    key.sort();
    let mut key: Vec<_> = key.into_iter().map(|(_, column)| column).collect();
    if key.is_empty() {
        key = columns.iter().map(|(column, _)| column.clone()).collect();
    }
    let numbered = rows.iter().filter(|row| row.is_numbered).map(|row| row.column.clone()).collect();
    Ok(Table { columns: TableColumns { table, columns, key }, numbered })
}

/// Which table refers to which.
pub(super) async fn references(session: &Session) -> Tx<Vec<(String, String)>> {
    let references = "SELECT f.relname::text, t.relname::text FROM pg_constraint k \
                      JOIN pg_class f ON f.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid \
                      WHERE k.contype = 'f' AND f.relnamespace = current_schema()::regnamespace";
    sql::all(session, references, [], |row| Ok((row.try_get(0)?, row.try_get(1)?))).await
}

/// The query for the rows of a table, sorted as in every other database.
pub(super) fn select_of(table: &Table) -> String {
    let TableColumns { table: name, columns, key } = &table.columns;
    let list: Vec<_> = columns.iter().map(|(column, _)| quoted(column)).collect();
    let sorted: Vec<_> = key
        .iter()
        .map(|column| {
            let is_text = columns.iter().any(|(name, kind)| name == column && *kind == Kind::Text);
            format!("{}{}", quoted(column), if is_text { " COLLATE \"C\"" } else { "" })
        })
        .collect();
    let from = if name == "registry_totals" { WHOLE_TOTALS.to_owned() } else { quoted(name) };
    format!("SELECT {} FROM {from} ORDER BY {}", list.join(", "), sorted.join(", "))
}

/// The totals with what is still to be added to them.
const WHOLE_TOTALS: &str = "(SELECT t.id, t.downloads, (t.packages + p.packages)::bigint AS packages, \
        (t.versions + p.versions)::bigint AS versions, (t.users + p.users)::bigint AS users, \
        (t.storage_bytes + p.storage_bytes)::bigint AS storage_bytes \
    FROM registry_totals t, (SELECT coalesce(sum(packages), 0) AS packages, coalesce(sum(versions), 0) AS versions, \
        coalesce(sum(users), 0) AS users, coalesce(sum(storage_bytes), 0) AS storage_bytes FROM pending_totals) p) totals";

/// A name as SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
