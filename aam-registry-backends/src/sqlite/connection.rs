//! Connections and how they are set up.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::PathBuf,
};

use aam_registry_core::{Error, Result, error::Outcome};
use rusqlite::{Connection, OpenFlags};

use super::{SqliteConfig, failure::unavailable};

/// More than there are different statements.
const STATEMENTS: usize = 192;

/// Opens the one connection of this process that writes. The caller holds the
/// [`setup_lock`]: SQLite's busy time-out does not cover the switch to WAL.
pub(super) fn open_writer(config: &SqliteConfig) -> Result<Connection> {
    create_private(config).map_err(|error| Error::database(error, false, Outcome::NotApplied))?;
    let open = || {
        let connection = open(config, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // A publish that was acknowledged outlives a loss of power.
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        Ok(connection)
    };
    open().map_err(|error| unavailable(error, Outcome::NotApplied))
}

/// Opens a connection for checkpoints, beside the one that writes.
pub(super) fn open_checkpointer(config: &SqliteConfig) -> Result<Connection> {
    let open = || {
        let connection = open(config, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(connection)
    };
    open().map_err(|error| unavailable(error, Outcome::NotApplied))
}

/// Opens a connection that can only read.
pub(super) fn open_reader(config: &SqliteConfig) -> Result<Connection> {
    open(config, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| unavailable(error, Outcome::NotApplied))
}

fn open(config: &SqliteConfig, flags: OpenFlags) -> rusqlite::Result<Connection> {
    // One thread at a time uses a connection, so SQLite need not lock it.
    let connection = Connection::open_with_flags(config.path(), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(config.busy_timeout())?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Makes the file readable by its owner alone: it holds e-mail addresses and
/// password hashes. SQLite gives its side files the same rights.
fn create_private(config: &SqliteConfig) -> io::Result<()> {
    if let Some(folder) = config.path().parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(config.path()).map(drop)
}

/// Waits until no other process or thread sets the database up; released when dropped.
pub(super) fn setup_lock(config: &SqliteConfig) -> Result<File> {
    let lock = || {
        if let Some(folder) = config.path().parent() {
            fs::create_dir_all(folder)?;
        }
        let mut path = config.path().as_os_str().to_owned();
        path.push(".lock");
        let file = OpenOptions::new().append(true).create(true).open(PathBuf::from(path))?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|error: io::Error| Error::database(error, true, Outcome::NotApplied))
}
