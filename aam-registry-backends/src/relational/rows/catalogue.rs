//! The tables of a database, as its own catalogue describes them.

use std::collections::{BTreeMap, BTreeSet};

/// What an adapter keeps in its database for itself alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalTables {
    /// Tables that are not copied.
    pub(crate) tables: &'static [&'static str],
    /// Columns that are not copied.
    pub(crate) columns: &'static [LocalColumn],
}

/// A column that is not copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalColumn {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    /// Whether restored rows are numbered in it, from 1 on; else they get its default.
    pub(crate) is_number: bool,
}

impl LocalTables {
    pub(crate) fn has_table(&self, table: &str) -> bool {
        self.tables.contains(&table)
    }

    pub(crate) fn column(&self, table: &str, column: &str) -> Option<&LocalColumn> {
        self.columns.iter().find(|local| local.table == table && local.column == column)
    }
}

/// The columns of a table that are copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableColumns<K> {
    pub(crate) table: String,
    /// The columns by name, each with what the adapter knows of it.
    pub(crate) columns: Vec<(String, K)>,
    /// The columns of the primary key, in its order; all columns if there is none.
    pub(crate) key: Vec<String>,
}

impl<K> TableColumns<K> {
    pub(crate) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// The tables in an order in which each comes after those that it refers to. Of tables that refer to one another in a
/// circle the first by name comes first.
pub(crate) fn in_order_of_references(tables: Vec<String>, references: &[(String, String)]) -> Vec<String> {
    let mut left: BTreeSet<String> = tables.into_iter().collect();
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in references.iter().filter(|(from, to)| from != to) {
        wanted.entry(from).or_default().insert(to);
    }
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_ready = |table: &&String| {
            wanted.get(table.as_str()).is_none_or(|wanted| wanted.iter().all(|wanted| !left.contains(*wanted)))
        };
        let Some(next) = left.iter().find(is_ready).or_else(|| left.first()).cloned() else { break };
        left.remove(&next);
        ordered.push(next);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_after_those_they_refer_to() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let refer = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect::<Vec<_>>()
        };
        let tables = names(&["a", "b", "c", "d"]);
        assert_eq!(
            in_order_of_references(tables.clone(), &refer(&[("a", "c"), ("c", "d"), ("b", "b")])),
            names(&["b", "d", "c", "a"])
        );
        let circle = refer(&[("a", "b"), ("b", "a"), ("c", "a")]);
        assert_eq!(in_order_of_references(tables, &circle), names(&["d", "a", "b", "c"]));
    }
}
