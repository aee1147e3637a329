//! Migrations, and whether a database has had them.
//!
//! A migration is a file whose statements run in one transaction. One that
//! begins with the line `-- no-transaction` runs statement by statement, each
//! in a transaction of its own, as `CREATE INDEX CONCURRENTLY` demands; its
//! statements end with a semicolon at the end of a line, and since it may end
//! in the middle, running it again from its start must do no harm: drop the
//! index `IF EXISTS` before creating it.

use std::time::Duration;

use aam_registry_core::{Error, Result, error::Outcome};
use refinery_core::{
    AsyncMigrate, Migration, Runner,
    traits::r#async::{AsyncQuery, AsyncTransaction},
};
use tokio::time;
use tokio_postgres::error::SqlState;

use super::{
    PostgresConfig,
    connection::{Connector, Session, settings},
    failure::{Failure, Fault, FaultKind, Tx},
    pooler, sql,
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
    "V2__listing_text_scope",
    "V3__search_changes",
    "V4__listings_changed",
    "V5__oldest_release",
    "V6__session_generations",
    "V7__registry_identity",
    "V8__jobs",
    "V9__webhooks",
    "V10__one_time_tokens",
    "V11__sessions",
    "V12__email_verified",
    "V13__operator_webhooks",
    "V14__private_packages",
    "V15__account_roles",
    "V16__second_factors",
    "V17__version_status",
    "V18__trusted_publishers",
    "V19__reports_evals_gates",
    "V20__invitations_and_token_notices",
    "V21__quotas_and_waiting_tags",
    "V22__scope_policy_and_token_use",
    "V23__operation",
];

/// These and the migrations that all databases share, oldest first.
fn migrations() -> Vec<Embedded> {
    relational::with_shared(MIGRATIONS)
}

/// What the first line of a migration says that must not run in a transaction.
const NO_TRANSACTION: &str = "-- no-transaction";

/// The advisory lock of whoever migrates: the bytes of `aam-schm`.
const MIGRATING: i64 = 0x6161_6d2d_7363_686d;

/// How often somebody looks whether another has finished migrating. Who waits
/// inside the server would hold a snapshot that an index made beside the
/// running registry waits for, for ever.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long a migration waits for a lock: all who come after it wait, too.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a migration that did not get its lock tries again, and how long it leaves the others alone before.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_secs(1);

const STATEMENT_TIMEOUT: Duration = Duration::from_mins(30);

/// The oldest server this works on.
const OLDEST_SERVER: i32 = 13;

/// Brings the schema of a database up to date; gives the names of the
/// migrations that ran. Safe to call from many processes at once, and beside
/// running replicas.
///
/// # Errors
/// [`DatabaseUnavailable`](aam_registry_core::ErrorCode::DatabaseUnavailable)
/// where the server does not answer or is too old, the extension `pg_trgm` is
/// missing, a newer release left a schema that no longer serves this one, or a
/// migration fails; the schema is then as the last migration that succeeded
/// left it.
pub async fn migrate(config: &PostgresConfig) -> Result<Vec<String>> {
    migrate_by(config, &relational::runner(&migrations()), Admitted::CurrentSchemas).await
}

/// The migrations a database has not had, oldest first. Changes nothing, also
/// where there is no schema yet.
///
/// # Errors
/// [`DatabaseUnavailable`](aam_registry_core::ErrorCode::DatabaseUnavailable)
/// where the database cannot be read, or was brought by a newer release to a
/// schema that no longer serves this one.
pub async fn pending_migrations(config: &PostgresConfig) -> Result<Vec<String>> {
    let connector = Connector::new(config, &config.primary).map_err(misconfigured)?;
    let session = connector.connect().await.map_err(not_applied)?;
    pooler::require_own(&connector, &session).await.map_err(failed)?;
    missing(&session, relational::runner(&migrations()).get_migrations()).await.map_err(failed)
}

/// Whether the database holds a registry, of whatever release. Changes nothing.
///
/// # Errors
/// [`DatabaseUnavailable`](aam_registry_core::ErrorCode::DatabaseUnavailable)
/// where the database cannot be read.
pub async fn has_registry(config: &PostgresConfig) -> Result<bool> {
    let connector = Connector::new(config, &config.primary).map_err(misconfigured)?;
    let session = connector.connect().await.map_err(not_applied)?;
    pooler::require_own(&connector, &session).await.map_err(failed)?;
    Ok(!applied(&session).await.map_err(failed)?.is_empty())
}

/// The oldest release of the registry that can work on the schema that this
/// one's migrations leave. Older servers have to be stopped before they run.
pub fn oldest_release() -> String {
    relational::oldest_release(relational::runner(&migrations()).get_migrations())
}

/// Fails unless this release can work on the schema as it is.
pub(super) async fn require_current(session: &Session) -> Tx<()> {
    let missing = missing(session, relational::runner(&migrations()).get_migrations()).await?;
    Ok(relational::require_none(&missing)?)
}

async fn missing(session: &Session, known: &[Migration]) -> Tx<Vec<String>> {
    let applied = applied(session).await?;
    relational::require_finished(&applied)?;
    if relational::is_newer(known, &applied) {
        let oldest = "SELECT oldest_release FROM schema_compatibility";
        let oldest: Option<String> = sql::first(session, oldest, [], |row| Ok(row.try_get(0)?)).await?;
        relational::require_served(&oldest.unwrap_or_default())?;
    }
    Ok(relational::missing(known, &applied))
}

async fn applied(session: &Session) -> Tx<Vec<i64>> {
    let table = "SELECT to_regclass($1) IS NOT NULL";
    let there = sql::first(session, table, [&relational::HISTORY], |row| Ok(row.try_get::<_, bool>(0)?)).await?;
    if there != Some(true) {
        return Ok(Vec::new());
    }
    let applied = "SELECT version::bigint FROM refinery_schema_history";
    sql::all(session, applied, [], |row| Ok(row.try_get(0)?)).await
}

/// The names of this release's migrations, without their numbers.
pub fn migration_names() -> Vec<String> {
    migrations().iter().map(|(migration, _)| migration_name(migration).to_owned()).collect()
}

/// The names of the migrations that made the schema, without their numbers.
pub(super) async fn applied_names(session: &Session) -> Tx<Vec<String>> {
    let names = "SELECT name FROM refinery_schema_history ORDER BY version";
    sql::all(session, names, [], |row| Ok(row.try_get(0)?)).await
}

/// Marks an empty database as half restored, and brings it to the schema of a backup that had the migrations of these
/// names.
pub(super) async fn begin_restore(config: &PostgresConfig, session: &Session, names: &[String]) -> Result<()> {
    let known = migrations();
    let known = &known[..steps_of(&known, names)?];
    let mut applied = applied(session).await.map_err(failed)?;
    let is_marked = applied.contains(&UNFINISHED_VERSION);
    applied.retain(|version| *version != UNFINISHED_VERSION);
    if relational::is_newer(relational::runner(known).get_migrations(), &applied) {
        return Err(Error::unfit(NEWER_THAN_BACKUP));
    }
    if applied.is_empty() {
        migrate_by(config, &relational::runner(&known[..FIRST_STEPS]), Admitted::CurrentSchemas).await?;
    }
    if !is_marked {
        session.command(&mark_statements()).await.map_err(failed)?;
    }
    migrate_by(config, &relational::runner(known), Admitted::EverySchema).await?;
    session.command(&refusal_statement()).await.map_err(failed)
}

/// Which databases are migrated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Admitted {
    /// Those whose schema serves this release.
    CurrentSchemas,
    /// Also one that is marked as half restored.
    EverySchema,
}

/// Takes the mark of an unfinished restore away, for the schema of a backup that had the migrations of these names.
pub(super) async fn unmark_unfinished(session: &Session, names: &[String]) -> Result<()> {
    if applied(session).await.map_err(failed)?.contains(&UNFINISHED_VERSION) {
        let known = migrations();
        let known = relational::runner(&known[..steps_of(&known, names)?]);
        let unmark = unmark_statements(&relational::oldest_release(known.get_migrations()));
        session.command(&unmark).await.map_err(failed)?;
    }
    Ok(())
}

/// Requires that a database is marked, so that nobody else has changed it.
pub(super) async fn require_unfinished(session: &Session) -> Tx<()> {
    let is_marked = applied(session).await?.contains(&UNFINISHED_VERSION);
    if is_marked { Ok(()) } else { Err(Error::unfit(RESTORED_MEANWHILE).into()) }
}

async fn migrate_by(config: &PostgresConfig, runner: &Runner, admitted: Admitted) -> Result<Vec<String>> {
    let connector = Connector::new(config, &config.primary).map_err(misconfigured)?;
    let session = connector.connect().await.map_err(not_applied)?;
    // First: the others prepare statements, which a pooler mixes up.
    pooler::require_own(&connector, &session).await.map_err(failed)?;
    require_server(&session).await.map_err(failed)?;
    lock(&session).await.map_err(failed)?;
    let known = runner.get_migrations();
    let missing = match admitted {
        Admitted::CurrentSchemas => missing(&session, known).await.map_err(failed)?,
        Admitted::EverySchema => relational::missing(known, &applied(&session).await.map_err(failed)?),
    };
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    if missing.len() == runner.get_migrations().len() {
        require_trigrams(&session).await.map_err(failed)?;
    }
    let patience = [
        ("lock_timeout", LOCK_TIMEOUT.as_millis().to_string()),
        ("statement_timeout", STATEMENT_TIMEOUT.as_millis().to_string()),
    ];
    let patience = patience.each_ref().map(|(name, value)| (*name, value.as_str()));
    session.command(&settings(&patience)).await.map_err(failed)?;
    // The lock goes with the session.
    run(runner, &mut Migrator { session }).await
}

async fn run(runner: &Runner, migrator: &mut Migrator) -> Result<Vec<String>> {
    let mut applied = Vec::new();
    // A newer release may have been here; whether it left a schema that serves us was checked apart.
    let runner = Runner::new(runner.get_migrations()).set_abort_missing(false);
    for attempt in 1.. {
        let error = match runner.run_async(migrator).await {
            Ok(report) => {
                applied.extend(report.applied_migrations().iter().map(ToString::to_string));
                break;
            }
            Err(error) => error,
        };
        applied.extend(
            error.report().into_iter().flat_map(refinery_core::Report::applied_migrations).map(ToString::to_string),
        );
        if attempt == TRIES || !got_no_lock(&error) {
            return Err(Error::database(error, attempt == TRIES, Outcome::Unknown));
        }
        tracing::warn!(event = "migration_waits", attempt, "a migration did not get its lock and will be tried again");
        time::sleep(PAUSE).await;
    }
    Ok(applied)
}

/// Whether a migration waited too long for a lock, or in a circle with others.
fn got_no_lock(error: &refinery_core::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let code = error.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
        if code.is_some_and(|code| [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Waits until nobody else migrates; the lock is held until the session ends.
async fn lock(session: &Session) -> Tx<()> {
    let lock = "SELECT pg_try_advisory_lock($1)";
    let mut told = false;
    while sql::first(session, lock, [&MIGRATING], |row| Ok(row.try_get::<_, bool>(0)?)).await? != Some(true) {
        if !std::mem::replace(&mut told, true) {
            tracing::info!(event = "migration_waits", "another process migrates this database; it is waited for");
        }
        time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

async fn require_server(session: &Session) -> Tx<()> {
    let version = "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version')";
    let server = sql::first(session, version, [], |row| Ok((row.try_get::<_, i32>(0)?, row.try_get::<_, String>(1)?)));
    match server.await? {
        Some((major, version)) if major < OLDEST_SERVER => {
            let reason = format!("PostgreSQL {OLDEST_SERVER} or newer is needed; this is {version}");
            Err(Fault::new(FaultKind::Permanent, reason).into())
        }
        _ => Ok(()),
    }
}

/// Makes the extension that the first migration needs, and no later one, or says who has to.
async fn require_trigrams(session: &Session) -> Tx<()> {
    let created = session.command("CREATE EXTENSION IF NOT EXISTS pg_trgm").await;
    created.map_err(|failure| match failure {
        Failure::Database(fault) if !matches!(fault.kind, FaultKind::Lost | FaultKind::Silent) => {
            let reason = format!(
                "the extension pg_trgm is missing and could not be created ({fault}); install PostgreSQL's contrib \
                 modules, then run in this database as a superuser: CREATE EXTENSION pg_trgm"
            );
            Fault::new(FaultKind::Permanent, reason).into()
        }
        other => other,
    })
}

pub(super) fn misconfigured(reason: String) -> Error {
    Error::database(reason, false, Outcome::NotApplied)
}

pub(super) fn not_applied(fault: Fault) -> Error {
    fault.into_error(Outcome::NotApplied)
}

pub(super) fn failed(failure: Failure) -> Error {
    failure.into_error(Outcome::NotApplied)
}

/// The session that migrates, as refinery drives it.
struct Migrator {
    session: Session,
}

impl AsyncTransaction for Migrator {
    type Error = tokio_postgres::Error;

    async fn execute<'a, T>(&'a mut self, queries: T) -> Result<usize, Self::Error>
    where
        T: Iterator<Item = &'a str> + Send + 'a,
    {
        let mut queries = queries.peekable();
        if !queries.peek().is_some_and(|first| first.starts_with(NO_TRANSACTION)) {
            return AsyncTransaction::execute(self.session.client(), queries).await;
        }
        let mut count = 0;
        for query in queries {
            for statement in statements(query) {
                self.session.client().batch_execute(statement).await?;
            }
            count += 1;
        }
        Ok(count)
    }
}

impl AsyncQuery<Vec<Migration>> for Migrator {
    async fn query(&mut self, query: &str) -> Result<Vec<Migration>, tokio_postgres::Error> {
        AsyncQuery::query(self.session.client(), query).await
    }
}

impl AsyncMigrate for Migrator {}

/// The statements of a migration without a transaction.
fn statements(migration: &str) -> impl Iterator<Item = &str> {
    let statements = migration.split_inclusive(";\n");
    statements.filter(|statement| statement.lines().any(|line| !line.trim().is_empty() && !line.starts_with("--")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_is_embedded() {
        relational::assert_all_are_embedded("src/postgres/migrations", MIGRATIONS);
    }

    #[test]
    fn each_migration_names_the_oldest_release_that_may_run_beside_it() {
        relational::tests::each_names_the_oldest_release(relational::runner(&migrations()).get_migrations(), 5);
    }
}
