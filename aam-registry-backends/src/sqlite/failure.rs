//! What can go wrong inside a transaction.

use aam_registry_core::{
    Error,
    error::{InvalidName, Outcome},
};
use rusqlite::ErrorCode;

use crate::relational::columns::Corrupt;

/// Why a transaction did not do what was asked; it is rolled back.
#[derive(Debug)]
pub(super) enum Failure {
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
    Error::database(error, retry, outcome)
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
