//! What can go wrong inside a transaction.

use aam_registry_core::{
    Error,
    error::{DatabaseError, DatabaseTrouble, DiskError, DiskTrouble, InvalidName, Outcome},
};
use rusqlite::{ErrorCode, ffi};

use crate::relational::columns::Corrupt;

/// Why a transaction did not do what was asked; it is rolled back.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The domain refuses.
    Refused(Error),
    /// The database fails.
    Sqlite(rusqlite::Error),
    /// What is stored cannot be read back.
    Corrupt(String),
}

/// The result of a step inside a transaction.
pub(super) type Tx<T> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Corrupt> for Failure {
    fn from(Corrupt(what): Corrupt) -> Self {
        Self::Corrupt(what)
    }
}

impl From<InvalidName> for Failure {
    fn from(error: InvalidName) -> Self {
        Corrupt::from(error).into()
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Corrupt::from(error).into()
    }
}

impl Failure {
    /// The same, where the file of the database is known: a disk that takes nothing is found by it.
    pub(super) fn into_error_at(self, path: Option<&str>) -> Error {
        match self {
            Self::Sqlite(error) => unavailable_at(path, error, Outcome::NotApplied),
            other => other.into_error(),
        }
    }

    /// The port's error, for a transaction of which nothing was kept.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Sqlite(error) => unavailable(error, Outcome::NotApplied),
            Self::Corrupt(what) => {
                Error::database(format!("stored data cannot be read: {what}"), false, Outcome::NotApplied)
            }
        }
    }
}

/// The port's error for a failure of SQLite itself.
pub(super) fn unavailable(error: rusqlite::Error, outcome: Outcome) -> Error {
    let retry = is_transient(&error);
    match disk_trouble(&error) {
        Some(trouble) => Error::database(DiskError::new(trouble, error.to_string()), retry, outcome),
        None if is_damage(&error) => {
            Error::database(DatabaseError::new(DatabaseTrouble::Damaged, error.to_string()), retry, outcome)
        }
        None => Error::database(error, retry, outcome),
    }
}

/// The same for the database at `path`.
pub(super) fn unavailable_at(path: Option<&str>, error: rusqlite::Error, outcome: Outcome) -> Error {
    match (disk_trouble(&error), path) {
        (Some(trouble), Some(path)) => {
            let retry = is_transient(&error);
            Error::database(DiskError::new(trouble, format!("{path}: {error}")), retry, outcome)
        }
        _ => unavailable(error, outcome),
    }
}

/// What is wrong with the disk, where that is why SQLite failed.
pub(super) fn disk_trouble(error: &rusqlite::Error) -> Option<DiskTrouble> {
    let error = error.sqlite_error()?;
    match (error.code, error.extended_code) {
        (ErrorCode::DiskFull, _) => Some(DiskTrouble::Full),
        // What exceeds a quota or a limit, or has no room for an index of the log, SQLite tells only so.
        (_, ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE | ffi::SQLITE_IOERR_TRUNCATE) => {
            Some(DiskTrouble::Unwritable)
        }
        (ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied, _) => Some(DiskTrouble::Unwritable),
        _ => None,
    }
}

/// Whether SQLite found that what it reads is no database, or a broken one.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether the same call may succeed if made again.
pub(super) fn is_transient(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OperationInterrupted
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
        )
    )
}
