//! Migrations, and whether a database has had them.

use aam_registry_core::{Error, Result, error::Outcome};
use rusqlite::Connection;

use super::{
    SqliteConfig,
    connection::{open_reader, open_writer, setup_lock},
    failure::{Tx, unavailable},
    sql,
};
use crate::relational::{
    embedded::{Embedded, embedded},
    rows::{
        FIRST_STEPS, NEWER_THAN_BACKUP, RESTORED_MEANWHILE, mark_statements, migration_name, refusal_statement,
        steps_of, unmark_statements,
    },
    schema::{self as relational, UNFINISHED_VERSION},
};

/// The migrations of this database alone, oldest first.
const MIGRATIONS: &[Embedded] = &embedded![
    "V1__registry",
    "V2__download_batches",
    "V3__search_changes",
    "V4__oldest_release",
    "V5__session_generations",
    "V6__registry_identity",
    "V7__jobs",
    "V8__webhooks",
    "V9__one_time_tokens",
    "V10__sessions",
    "V11__email_verified",
    "V12__operator_webhooks",
    "V13__private_packages",
    "V14__account_roles",
    "V15__second_factors",
    "V16__version_status",
    "V17__trusted_publishers",
    "V18__reports_evals_gates",
    "V19__invitations_and_token_notices",
    "V20__quotas_and_waiting_tags",
    "V21__scope_policy_and_token_use",
    "V22__operation",
    "V23__registry_id_spelling",
];

/// These and the migrations that all databases share, oldest first.
fn migrations() -> Vec<Embedded> {
    relational::with_shared(MIGRATIONS)
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
    let report = relational::runner(&migrations())
        // A newer release may have been here; whether it left a schema that serves us is checked apart.
        .set_abort_missing(false)
        // In one transaction: else a process that is killed between a migration and the record of it leaves a schema
        // that no migration can be applied to.
        .set_grouped(true)
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
        return Ok(relational::runner(&migrations()).get_migrations().iter().map(ToString::to_string).collect());
    }
    missing(&open_reader(config)?)
}

/// Whether the database holds a registry, of whatever release: a file without
/// one of our migrations does not. Makes and changes nothing. Blocks.
///
/// # Errors
/// [`DatabaseUnavailable`](aam_registry_core::ErrorCode::DatabaseUnavailable)
/// where the file is there and cannot be read.
pub fn has_registry(config: &SqliteConfig) -> Result<bool> {
    let is_there = config.path().try_exists();
    if !is_there.map_err(|error| Error::database(error, false, Outcome::NotApplied))? {
        return Ok(false);
    }
    let applied = applied(&open_reader(config)?).map_err(|error| unavailable(error, Outcome::NotApplied))?;
    Ok(!applied.is_empty())
}

/// The oldest release of the registry that can work on the schema that this
/// one's migrations leave. Older servers have to be stopped before they run.
pub fn oldest_release() -> String {
    relational::oldest_release(relational::runner(&migrations()).get_migrations())
}

/// Fails unless this release can work on the schema as it is.
pub(super) fn require_current(connection: &Connection) -> Result<()> {
    relational::require_none(&missing(connection)?)
}

/// The names of this release's migrations, without their numbers.
pub fn migration_names() -> Vec<String> {
    migrations().iter().map(|(migration, _)| migration_name(migration).to_owned()).collect()
}

/// The names of the migrations that made the schema, without their numbers.
pub(super) fn applied_names(connection: &Connection) -> Tx<Vec<String>> {
    let names = format!("SELECT name FROM {} ORDER BY version", relational::HISTORY);
    sql::all(connection, &names, [], sql::value)
}

/// Marks an empty database as half restored, and brings it to the schema of a backup that had the migrations of these
/// names.
pub(super) fn begin_restore(connection: &mut Connection, names: &[String]) -> Result<()> {
    let known = migrations();
    let known = &known[..steps_of(&known, names)?];
    let mut applied = applied(connection).map_err(not_applied)?;
    let is_marked = applied.contains(&UNFINISHED_VERSION);
    applied.retain(|version| *version != UNFINISHED_VERSION);
    if relational::is_newer(relational::runner(known).get_migrations(), &applied) {
        return Err(Error::unfit(NEWER_THAN_BACKUP));
    }
    if applied.is_empty() {
        run(connection, &known[..FIRST_STEPS])?;
    }
    if !is_marked {
        connection.execute_batch(&mark_statements()).map_err(not_applied)?;
    }
    run(connection, known)?;
    connection.execute_batch(&refusal_statement()).map_err(not_applied)
}

fn run(connection: &mut Connection, migrations: &[Embedded]) -> Result<()> {
    let ran = relational::runner(migrations).set_abort_missing(false).set_grouped(true).run(connection);
    ran.map(drop).map_err(|error| Error::database(error, false, Outcome::Unknown))
}

/// Takes the mark of an unfinished restore away, for the schema of a backup that had the migrations of these names.
pub(super) fn unmark_unfinished(connection: &Connection, names: &[String]) -> Result<()> {
    if applied(connection).map_err(not_applied)?.contains(&UNFINISHED_VERSION) {
        let known = migrations();
        let known = relational::runner(&known[..steps_of(&known, names)?]);
        let unmark = unmark_statements(&relational::oldest_release(known.get_migrations()));
        connection.execute_batch(&unmark).map_err(not_applied)?;
    }
    Ok(())
}

/// Requires that a database is marked, so that nobody else has changed it.
pub(super) fn require_unfinished(connection: &Connection) -> Result<()> {
    let is_marked = applied(connection).map_err(not_applied)?.contains(&UNFINISHED_VERSION);
    if is_marked { Ok(()) } else { Err(Error::unfit(RESTORED_MEANWHILE)) }
}

fn not_applied(error: rusqlite::Error) -> Error {
    unavailable(error, Outcome::NotApplied)
}

fn missing(connection: &Connection) -> Result<Vec<String>> {
    let failed = |error| unavailable(error, Outcome::NotApplied);
    let applied = applied(connection).map_err(failed)?;
    relational::require_finished(&applied)?;
    let runner = relational::runner(&migrations());
    let known = runner.get_migrations();
    if relational::is_newer(known, &applied) {
        let oldest = "SELECT oldest_release FROM schema_compatibility";
        let oldest: String = connection.query_row(oldest, [], |row| row.get(0)).map_err(failed)?;
        relational::require_served(&oldest)?;
    }
    Ok(relational::missing(known, &applied))
}

fn applied(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    // `Connection::table_exists` would answer from what this connection remembers of the schema.
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    if !connection.prepare(table)?.exists([relational::HISTORY])? {
        return Ok(Vec::new());
    }
    let applied = format!("SELECT version FROM {}", relational::HISTORY);
    connection.prepare(&applied)?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_is_embedded() {
        relational::assert_all_are_embedded("src/sqlite/migrations", MIGRATIONS);
    }

    #[test]
    fn each_migration_names_the_oldest_release_that_may_run_beside_it() {
        relational::tests::each_names_the_oldest_release(relational::runner(&migrations()).get_migrations(), 4);
    }
}
