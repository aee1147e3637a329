//! The database that the settings select, and its cache.

use std::{fs, path::Path, time::Duration};

use aam_registry_backends::{
    DatabaseStats,
    postgres::{self, PostgresConfig, PostgresMetadata},
    redis::{RedisCache, RedisChanges, RedisLink},
    sqlite::{self, SqliteConfig, SqliteMetadata},
};
use aam_registry_core::{
    Error, Result,
    decorate::{CachedMetadata, Freshness, MetadataCacheConfig},
    ports::{ChangeFeed, Database},
    registry::RegistryBuilder,
};

use super::{AssembleError, Purpose, cause};
use crate::{
    config::{DatabaseUrl, PostgresUrl, Settings},
    remedy,
};

/// How long one statement may take. Together with up to five seconds to get a connection and two to
/// receive the answer this is well below the 30 seconds of a request, so a hanging database is reported
/// as such and not as a slow request.
const STATEMENT: Duration = Duration::from_secs(10);

/// Opens the database and adds it to `builder`. Returns the freshness of its cache, if it has one.
pub(super) async fn add(
    builder: RegistryBuilder,
    settings: &Settings,
    purpose: Purpose,
    redis: Option<RedisLink>,
) -> Result<(RegistryBuilder, Option<Freshness>), AssembleError> {
    let cache = (purpose == Purpose::Serve && settings.cache_enabled.is_on()).then(|| Cache { settings, redis });
    match &settings.database_url {
        DatabaseUrl::Sqlite(path) => {
            create_folder(path)?;
            let opened = SqliteMetadata::open(sqlite_config(path, settings)).await;
            let database = opened.map_err(|error| unusable(settings, &error))?;
            let changes = database.changes();
            Ok(with_cache(builder, cache, database, changes))
        }
        DatabaseUrl::Postgres(url) => {
            let mut config = postgres_config(url, settings)?;
            if purpose == Purpose::Serve {
                config = config.with_statement_timeout(STATEMENT);
            }
            let opened = PostgresMetadata::open(config).await;
            let database = opened.map_err(|error| unusable(settings, &error))?;
            let changes = database.changes();
            let builder = builder.clock(database.clock());
            Ok(with_cache(builder, cache, database, changes))
        }
    }
}

/// The cache in front of the database.
struct Cache<'a> {
    settings: &'a Settings,
    redis: Option<RedisLink>,
}

fn with_cache(
    builder: RegistryBuilder,
    cache: Option<Cache<'_>>,
    database: impl Database,
    changes: impl ChangeFeed,
) -> (RegistryBuilder, Option<Freshness>) {
    let Some(Cache { settings, redis }) = cache else { return (builder.database(database), None) };
    let config = MetadataCacheConfig::default()
        .with_lifetime(settings.cache_ttl_seconds.lifetime())
        .with_stale_reads(settings.stale_reads.0);
    let mut cached = CachedMetadata::builder(database).config(config).changes(changes);
    if let Some(redis) = redis {
        cached =
            cached.shared(RedisCache::new(redis.clone())).announcements(RedisChanges::new(redis).without_its_own());
    }
    let cached = cached.start();
    let freshness = cached.freshness();
    (builder.database(cached), Some(freshness))
}

/// Migrates the schema and returns the names of the migrations that ran.
///
/// # Errors
/// A backend error, or an error if the folder of the database cannot be created.
pub(crate) async fn migrate(settings: &Settings) -> Result<Vec<String>, AssembleError> {
    let migrated = match &settings.database_url {
        DatabaseUrl::Sqlite(path) => {
            create_folder(path)?;
            let config = sqlite_config(path, settings);
            blocking(move || sqlite::migrate(&config)).await
        }
        DatabaseUrl::Postgres(url) => postgres::migrate(&postgres_config(url, settings)?).await,
    };
    migrated.map_err(|error| unusable(settings, &error))
}

/// The migrations that have not been applied to the database.
///
/// # Errors
/// A backend error.
pub(crate) async fn pending_migrations(settings: &Settings) -> Result<Vec<String>> {
    match &settings.database_url {
        DatabaseUrl::Sqlite(path) => {
            let config = sqlite_config(path, settings);
            blocking(move || sqlite::pending_migrations(&config)).await
        }
        DatabaseUrl::Postgres(url) => {
            let config = postgres_config(url, settings).map_err(Error::internal)?;
            postgres::pending_migrations(&config).await
        }
    }
}

/// Requires that the database holds a registry. Creates and changes nothing.
///
/// # Errors
/// If there is no registry, or the database cannot be read.
pub(crate) async fn require_registry(settings: &Settings) -> Result<(), AssembleError> {
    let found = match &settings.database_url {
        DatabaseUrl::Sqlite(path) => {
            let config = sqlite_config(path, settings);
            blocking(move || sqlite::has_registry(&config)).await
        }
        DatabaseUrl::Postgres(url) => postgres::has_registry(&postgres_config(url, settings)?).await,
    };
    match found {
        Ok(true) => Ok(()),
        Ok(false) => Err(AssembleError::NoRegistry { database: settings.database_url.to_string() }),
        Err(error) => Err(unusable(settings, &error)),
    }
}

/// How large the database is, and what takes the room.
///
/// # Errors
/// A backend error.
pub(crate) async fn database_stats(settings: &Settings) -> Result<DatabaseStats, AssembleError> {
    let stats = match &settings.database_url {
        DatabaseUrl::Sqlite(path) => {
            let config = sqlite_config(path, settings);
            blocking(move || sqlite::stats(&config)).await
        }
        DatabaseUrl::Postgres(url) => postgres::stats(&postgres_config(url, settings)?).await,
    };
    stats.map_err(|error| unusable(settings, &error))
}

/// Tidies the database up; calls `done` with what is tidied.
///
/// # Errors
/// A backend error.
pub(crate) async fn vacuum(settings: &Settings, done: impl FnMut(&str)) -> Result<(), AssembleError> {
    let vacuumed = match &settings.database_url {
        DatabaseUrl::Sqlite(path) => {
            let config = sqlite_config(path, settings);
            blocking(move || sqlite::vacuum(&config)).await
        }
        DatabaseUrl::Postgres(url) => postgres::vacuum(&postgres_config(url, settings)?, done).await,
    };
    vacuumed.map_err(|error| unusable(settings, &error))
}

/// What is wrong with the database; nothing if it is sound.
///
/// # Errors
/// A backend error.
pub(crate) async fn database_faults(settings: &Settings) -> Result<Vec<String>, AssembleError> {
    let faults = match &settings.database_url {
        DatabaseUrl::Sqlite(path) => {
            let config = sqlite_config(path, settings);
            blocking(move || sqlite::check(&config)).await
        }
        DatabaseUrl::Postgres(url) => postgres::check(&postgres_config(url, settings)?).await,
    };
    faults.map_err(|error| unusable(settings, &error))
}

/// The oldest release that can work on the migrated schema.
pub(crate) fn oldest_release(settings: &Settings) -> String {
    match &settings.database_url {
        DatabaseUrl::Sqlite(_) => sqlite::oldest_release(),
        DatabaseUrl::Postgres(_) => postgres::oldest_release(),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

pub(super) fn postgres_config(url: &PostgresUrl, settings: &Settings) -> Result<PostgresConfig, AssembleError> {
    let bad = |error: postgres::InvalidPostgresUrl| AssembleError::Database {
        database: settings.database_url.to_string(),
        reason: error.to_string(),
    };
    let mut config = PostgresConfig::new(url.expose())
        .map_err(bad)?
        .with_pool_size(settings.database_pool_size.0.into())
        .with_auto_migrate(settings.auto_migrate.is_on());
    if let Some(replica) = &settings.database_replica_url {
        config = config.with_replica(replica.expose()).map_err(bad)?;
    }
    Ok(config)
}

/// The configuration of the SQLite database at `path`.
pub(crate) fn sqlite_config(path: &Path, settings: &Settings) -> SqliteConfig {
    SqliteConfig::new(path)
        .with_readers(settings.database_pool_size.0.into())
        .with_auto_migrate(settings.auto_migrate.is_on())
}

/// Creates the folder of the database if it does not exist.
pub(super) fn create_folder(path: &Path) -> Result<(), AssembleError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    fs::create_dir_all(folder).map_err(|source| AssembleError::Data { path: folder.to_owned(), source })
}

/// The error for a database that cannot be used, with the reason.
pub(crate) fn unusable(settings: &Settings, error: &Error) -> AssembleError {
    let reason = remedy::with(cause(error), remedy::for_database(settings, error));
    AssembleError::Database { database: settings.database_url.to_string(), reason }
}
