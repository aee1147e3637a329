//! All rows of the database that the settings select, for backups.

use std::collections::HashSet;

use aam_registry_backends::{
    RowSink, RowSource,
    postgres::{self, PostgresConfig},
    sqlite::{self, SqliteConfig},
};
use tokio::task::block_in_place;

use super::{
    AssembleError,
    database::{create_folder, postgres_config, sqlite_config, unusable},
};
use crate::config::{DatabaseUrl, Settings};

/// The configuration of the database.
enum Config {
    Sqlite(SqliteConfig),
    Postgres(Box<PostgresConfig>),
}

fn config(settings: &Settings) -> Result<Config, AssembleError> {
    Ok(match &settings.database_url {
        DatabaseUrl::Sqlite(path) => Config::Sqlite(sqlite_config(path, settings)),
        DatabaseUrl::Postgres(url) => Config::Postgres(Box::new(postgres_config(url, settings)?)),
    })
}

/// Gives all rows to `sink`, as they are at one instant; returns the names of the migrations that made the schema.
///
/// # Errors
/// If the database cannot be read, or what `sink` fails with.
pub(crate) async fn read_rows(settings: &Settings, sink: &mut dyn RowSink) -> Result<Vec<String>, AssembleError> {
    let read = match config(settings)? {
        Config::Sqlite(config) => block_in_place(|| sqlite::read_rows(&config, sink)),
        Config::Postgres(config) => postgres::read_rows(&config, sink).await,
    };
    read.map_err(|error| unusable(settings, &error))
}

/// The names of the migrations of every database that this release knows, without their numbers.
pub(crate) fn known_migrations() -> HashSet<String> {
    sqlite::migration_names().into_iter().chain(postgres::migration_names()).collect()
}

/// Requires that a restore may write to the database.
///
/// # Errors
/// If it is not empty or cannot be read.
pub(crate) async fn require_empty(settings: &Settings) -> Result<(), AssembleError> {
    let required = match config(settings)? {
        Config::Sqlite(config) => block_in_place(|| sqlite::require_empty(&config)),
        Config::Postgres(config) => postgres::require_empty(&config).await,
    };
    required.map_err(|error| unusable(settings, &error))
}

/// Makes an empty database ready to be restored, and marks it as half restored.
///
/// # Errors
/// If it is not empty, cannot be written, or has a newer schema than the backup.
pub(crate) async fn begin_restore(settings: &Settings, migrations: &[String]) -> Result<(), AssembleError> {
    let begun = match config(settings)? {
        Config::Sqlite(config) => {
            create_folder(config.path())?;
            block_in_place(|| sqlite::begin_restore(&config, migrations))
        }
        Config::Postgres(config) => postgres::begin_restore(&config, migrations).await,
    };
    begun.map_err(|error| unusable(settings, &error))
}

/// Fills the database with the rows of `source`, if `proof` finds the same rows in it afterwards.
///
/// # Errors
/// If it cannot be written, or what `source` and `proof` fail with.
pub(crate) async fn restore_rows(
    settings: &Settings,
    migrations: &[String],
    source: &mut dyn RowSource,
    proof: &mut dyn RowSink,
) -> Result<(), AssembleError> {
    let restored = match config(settings)? {
        Config::Sqlite(config) => block_in_place(|| sqlite::restore_rows(&config, migrations, source, proof)),
        Config::Postgres(config) => postgres::restore_rows(&config, migrations, source, proof).await,
    };
    restored.map_err(|error| unusable(settings, &error))
}
