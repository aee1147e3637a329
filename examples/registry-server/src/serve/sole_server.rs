//! At most one server on a data folder.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
};

use super::ServeError;
use crate::config::{DatabaseUrl, Settings};

/// What is added to the name of the database file for the file that the running server locks.
const LOCK: &str = ".server";

/// Keeps other servers from the database file until it is dropped or the process ends.
#[derive(Debug)]
pub(super) struct SoleServer {
    /// Unlocked when it is closed.
    _lock: Option<File>,
}

impl SoleServer {
    /// Locks the database file of the settings against other servers; commands on it still work beside this one.
    /// Servers on PostgreSQL are replicas of each other and lock nothing.
    ///
    /// # Errors
    /// If another server has it.
    pub(super) fn of(settings: &Settings) -> Result<Self, ServeError> {
        let DatabaseUrl::Sqlite(database) = &settings.database_url else { return Ok(Self { _lock: None }) };
        let mut name = database.as_os_str().to_owned();
        name.push(LOCK);
        let Ok(file) = open(Path::new(&name)) else {
            // Whoever opens the database next says what is wrong with the folder.
            return Ok(Self { _lock: None });
        };
        match file.try_lock() {
            Ok(()) => Ok(Self { _lock: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(ServeError::AnotherServer { database: database.clone() }),
            Err(TryLockError::Error(error)) => {
                tracing::warn!(
                    event = "data_folder_not_locked",
                    %error,
                    "the file system of the data folder has no locks: see that only one server uses it",
                );
                Ok(Self { _lock: None })
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().append(true).create(true).open(path)
}
