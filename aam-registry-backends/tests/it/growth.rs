//! That `docs/data-growth.md` says of every table what keeps it from growing without end.

use std::{collections::BTreeSet, fs, path::Path};

use aam_registry_backends::sqlite::{SqliteConfig, migrate};

/// The tables that the page has a row for.
pub(crate) fn explained() -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/data-growth.md");
    let page = fs::read_to_string(page).expect("the page");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(table, _)| table.to_owned()).collect()
}

/// Requires that the page has a row for each of these tables.
pub(crate) fn assert_explained(tables: impl IntoIterator<Item = String>) {
    let explained = explained();
    let missing: Vec<_> = tables.into_iter().filter(|table| !explained.contains(table)).collect();
    assert!(missing.is_empty(), "docs/data-growth.md does not say what bounds {missing:?}");
}

#[test]
fn every_table_of_sqlite_is_bounded_or_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("registry.db");
    migrate(&SqliteConfig::new(&path)).expect("migrated");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
        AND name NOT LIKE 'refinery_%'";
    let mut tables = connection.prepare(tables).expect("a query");
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).expect("rows");
    assert_explained(tables.map(|table| table.expect("a name")));
}
