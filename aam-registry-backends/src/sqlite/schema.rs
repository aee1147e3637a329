//! Migrations, and whether a database has had them.

use aam_registry_core::{Error, Result, error::Outcome};
use rusqlite::Connection;

use super::{
    SqliteConfig,
    connection::{open_reader, open_writer, setup_lock},
    failure::unavailable,
};

mod embedded {
    refinery::embed_migrations!("src/sqlite/migrations");
}

/// Brings the schema of a database up to date; gives the names of the
/// migrations that ran. Safe to call from many processes at once. Blocks.
///
/// # Errors
/// [`DatabaseUnavailable`](aam_registry_core::ErrorCode::DatabaseUnavailable)
/// where the database cannot be opened or a migration fails; the schema is
/// then as the last migration that succeeded left it.
pub fn migrate(config: &SqliteConfig) -> Result<Vec<String>> {
    let _lock = setup_lock(config)?;
    migrate_locked(&mut open_writer(config)?)
}

pub(super) fn migrate_locked(connection: &mut Connection) -> Result<Vec<String>> {
    if missing(connection)?.is_empty() {
        return Ok(Vec::new());
    }
    let report = embedded::migrations::runner()
        // A newer release may have been here; whether it left a schema that serves us is checked apart.
        .set_abort_missing(false)
        .run(connection)
        .map_err(|error| Error::database(error, false, Outcome::Unknown))?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// The migrations a database has not had, oldest first; all where there is no
/// database. Changes nothing. Blocks.
///
/// # Errors
/// [`DatabaseUnavailable`](aam_registry_core::ErrorCode::DatabaseUnavailable)
/// where the database cannot be read, or was brought by a newer release to a
/// schema that no longer serves this one.
pub fn pending_migrations(config: &SqliteConfig) -> Result<Vec<String>> {
    if !config.path().exists() {
        return Ok(embedded::migrations::runner().get_migrations().iter().map(ToString::to_string).collect());
    }
    missing(&open_reader(config)?)
}

/// Fails unless this release can work on the schema as it is.
pub(super) fn require_current(connection: &Connection) -> Result<()> {
    let missing = missing(connection)?;
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("the schema is behind by {} migrations; run `migrate`", missing.len());
    Err(Error::database(message, true, Outcome::NotApplied))
}

fn missing(connection: &Connection) -> Result<Vec<String>> {
    let failed = |error| unavailable(error, Outcome::NotApplied);
    let applied = applied(connection).map_err(failed)?;
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations();
    if applied.iter().any(|version| known.iter().all(|migration| i64::from(migration.version()) != *version)) {
        require_served(connection)?;
    }
    Ok(known
        .iter()
        .filter(|migration| !applied.contains(&i64::from(migration.version())))
        .map(ToString::to_string)
        .collect())
}

fn applied(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    // `Connection::table_exists` would answer from what this connection remembers of the schema.
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'refinery_schema_history'";
    if !connection.prepare(table)?.exists([])? {
        return Ok(Vec::new());
    }
    connection.prepare("SELECT version FROM refinery_schema_history")?.query_map([], |row| row.get(0))?.collect()
}

/// Fails where a newer release left a schema that no longer serves this one.
fn require_served(connection: &Connection) -> Result<()> {
    let oldest: String = connection
        .query_row("SELECT oldest_release FROM schema_compatibility", [], |row| row.get(0))
        .map_err(|error| unavailable(error, Outcome::NotApplied))?;
    let ours = env!("CARGO_PKG_VERSION");
    let parse = |text: &str| text.parse::<aam_registry_core::types::Version>().ok();
    if parse(&oldest).is_some_and(|oldest| parse(ours).is_some_and(|ours| ours >= oldest)) {
        return Ok(());
    }
    let message = format!("the schema was made by a newer release and serves {oldest} and later; this is {ours}");
    Err(Error::database(message, false, Outcome::NotApplied))
}
