//! The rows of each table.
//!
//! Tables are in an order in which no row refers to a later table.

mod accounts;
mod audit;
mod listings;
mod packages;
mod versions;

use super::{archives::Stored, dataset::Dataset, value::Value};

pub(super) use audit::CHAIN;

/// A generated registry, and the archive that some of its versions share.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) stored: &'a Stored,
}

/// The rows of a table, each with one value per column.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = Vec<Value>> + Send + 'a>;

/// A table and its rows.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) rows: for<'a> fn(&'a Source<'a>) -> Rows<'a>,
}

/// The differences between the databases: how changes of listings are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// Every table of a database.
pub(super) fn of(dialect: Dialect) -> Vec<Table> {
    let mut tables = vec![
        accounts::USERS,
        accounts::SCOPES,
        accounts::SCOPE_MEMBERS,
        packages::PACKAGES,
        packages::PACKAGE_OWNERS,
        versions::VERSIONS,
        versions::MANIFESTS,
        versions::CONTENTS,
        packages::DIST_TAGS,
        versions::DOWNLOAD_DAYS,
        audit::AUDIT_LOG,
    ];
    match dialect {
        Dialect::Sqlite => tables.push(listings::SQLITE),
        Dialect::Postgres => tables.push(listings::POSTGRES),
    }
    tables
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.name).field("columns", &self.columns).finish_non_exhaustive()
    }
}
