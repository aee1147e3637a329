//! How a database is brought to the schema of a backup, and marked while a restore is under way.

use std::collections::BTreeSet;

use aam_registry_core::{Error, Result};

use crate::relational::{
    embedded::Embedded,
    schema::{HISTORY, UNFINISHED, UNFINISHED_VERSION},
};

/// Tables that the migrations fill, not restores.
pub(crate) const SCHEMA_TABLES: [&str; 2] = ["refinery_schema_history", "schema_compatibility"];

/// Tables that have one row from the start, which a restore replaces.
pub(crate) const SINGLETONS: [&str; 3] = ["audit_chain", "registry_identity", "registry_totals"];

/// Why a database cannot take a backup of an older schema.
pub(crate) const NEWER_THAN_BACKUP: &str =
    "its schema is newer than that of the backup; make a new database and do not migrate it, the restore does that";

/// Why a restore cannot go on.
pub(crate) const RESTORED_MEANWHILE: &str = "another restore into it was finished meanwhile";

/// How many migrations have run when a database can be marked.
pub(crate) const FIRST_STEPS: usize = 1;

/// Lets releases that do not know the mark refuse a database that is half restored. Migrations undo it, so it has to
/// run after them again.
pub(crate) fn refusal_statement() -> String {
    format!("UPDATE schema_compatibility SET oldest_release = '{UNFINISHED}'")
}

/// Marks a database as half restored. The mark is there with the second statement.
pub(crate) fn mark_statements() -> String {
    format!(
        "{}; INSERT INTO {HISTORY} (version, name, applied_on, checksum) \
         VALUES ({UNFINISHED_VERSION}, 'unfinished_restore', '1970-01-01T00:00:00Z', '0')",
        refusal_statement()
    )
}

/// Takes that mark away, with the first statement; `oldest` is the oldest release that can work on the schema.
pub(crate) fn unmark_statements(oldest: &str) -> String {
    format!(
        "DELETE FROM {HISTORY} WHERE version = {UNFINISHED_VERSION}; \
         UPDATE schema_compatibility SET oldest_release = '{oldest}'"
    )
}

/// The name of a migration without its number, which differs between databases: `jobs` of `V8__jobs`.
pub(crate) fn migration_name(migration: &str) -> &str {
    migration.split_once("__").map_or(migration, |(_, name)| name)
}

/// How many of the `known` migrations make the schema of a backup that had the migrations of these names: all up to the
/// last one that it had, too.
///
/// # Errors
/// If there is none.
pub(crate) fn steps_of(known: &[Embedded], names: &[String]) -> Result<usize> {
    let had = |(migration, _): &Embedded| names.iter().any(|name| name == migration_name(migration));
    let last = known.iter().rposition(had);
    last.map(|last| last + 1)
        .ok_or_else(|| Error::unfit("the backup does not say which schema its rows have".to_owned()))
}

/// Requires that a backup has the tables of the database and no other.
///
/// # Errors
/// Names a table that only one of them has.
pub(crate) fn require_same_tables(ours: &BTreeSet<String>, given: &BTreeSet<String>) -> Result<()> {
    let unfit = |what: &str, table: &String| Err(Error::unfit(format!("the backup {what} the table {table}")));
    if let Some(table) = given.difference(ours).next() {
        return unfit("has, and this release does not know,", table);
    }
    match ours.difference(given).next() {
        Some(table) => unfit("lacks", table),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_matched_by_name() {
        let known = [("V1__registry", ""), ("V2__only_here", ""), ("V3__jobs", ""), ("V4__later", "")];
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(steps_of(&known, &names(&["registry", "jobs"])).expect("known"), 3);
        assert_eq!(steps_of(&known, &names(&["registry", "only_there"])).expect("known"), 1);
        assert!(steps_of(&known, &names(&["only_there"])).is_err());
    }
}
