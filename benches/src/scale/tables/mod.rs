//! What stands in each table, row by row.
//!
//! Tables come in an order in which nothing refers to what is not there yet.

mod accounts;
mod audit;
mod listings;
mod packages;
mod versions;

use super::{archives::Stored, dataset::Dataset, value::Value};

pub(super) use audit::CHAIN;

/// A registry together with the archive that some of its versions share.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) stored: &'a Stored,
}

/// The rows of a table, each with a value a column.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = Vec<Value>> + Send + 'a>;

/// A table and what goes into it.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) rows: for<'a> fn(&'a Source<'a>) -> Rows<'a>,
}

/// What databases keep in different ways: what changed of what is listed.
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
