//! What can go wrong on the way to the server and inside a transaction.

use std::{error::Error as _, fmt, time::Duration};

use aam_registry_core::{
    Error,
    error::{DatabaseError, DatabaseTrouble, InvalidName, Outcome},
};
use tokio_postgres::error::SqlState;

use crate::relational::columns::Corrupt;

/// Why a transaction did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The domain refuses.
    Refused(Error),
    /// The database fails.
    Database(Fault),
    /// What is stored cannot be read back.
    Corrupt(String),
}

/// The result of a step inside a transaction.
pub(super) type Tx<T> = Result<T, Failure>;

/// A failure of the server or of the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(super) kind: FaultKind,
    /// What only the operator can mend.
    trouble: Option<DatabaseTrouble>,
    reason: String,
}

/// What is to be done about a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Another transaction made what must be unique: start again and find it.
    Raced,
    /// The transactions of several were at odds: start again.
    Conflict,
    /// Transactions waited for one another: start again.
    Deadlock,
    /// The server knows a prepared statement no more, or not as it was: start
    /// again on another connection.
    Stale,
    /// The connection is gone.
    Lost,
    /// The server answers nothing on a connection that stands: on another that
    /// lay idle beside it it would answer as little.
    Silent,
    /// Somebody else holds a lock for too long: the caller may try again later.
    Locked,
    /// The server is busy, or there is no server: the caller may try again later.
    Busy,
    /// The same call will fail again.
    Permanent,
}

impl FaultKind {
    /// Those after which a transaction may start again at once.
    pub(super) const PASSING: [Self; 5] = [Self::Raced, Self::Conflict, Self::Deadlock, Self::Stale, Self::Lost];

    /// The kind as text, for metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Raced => "unique_violation",
            Self::Conflict => "serialization_failure",
            Self::Deadlock => "deadlock",
            Self::Stale => "stale_statement",
            Self::Lost => "connection_lost",
            Self::Silent => "connection_silent",
            Self::Locked => "lock_timeout",
            Self::Busy => "busy",
            Self::Permanent => "permanent",
        }
    }

    fn of(code: &SqlState) -> Self {
        match code.code() {
            "23505" => Self::Raced,
            // The second is said of what was sent behind a statement that failed.
            "40001" | "25P02" => Self::Conflict,
            "40P01" => Self::Deadlock,
            // A schema that was changed, or a pooler that handed out another session.
            "0A000" | "26000" => Self::Stale,
            // Ended by an administrator, by a crash, by idling; or a server that became a standby.
            "57P01" | "57P02" | "57P05" | "25P03" | "25006" => Self::Lost,
            "55P03" => Self::Locked,
            // A statement that took too long, a server that starts or stops; a schema behind or ahead.
            "57014" | "57P03" | "42P01" | "42703" => Self::Busy,
            other if other.starts_with("08") => Self::Lost,
            // Out of memory, disk or connections; an error of the system beneath.
            other if other.starts_with("53") || other.starts_with("58") => Self::Busy,
            _ => Self::Permanent,
        }
    }
}

impl Fault {
    pub(super) fn new(kind: FaultKind, reason: impl Into<String>) -> Self {
        Self { kind, trouble: None, reason: reason.into() }
    }

    /// The database takes no changes.
    pub(super) fn read_only(reason: impl Into<String>) -> Self {
        Self { trouble: Some(DatabaseTrouble::ReadOnly), ..Self::new(FaultKind::Busy, reason) }
    }

    /// The server did not answer for so long.
    pub(super) fn silent(patience: Duration) -> Self {
        Self::new(FaultKind::Silent, format!("the server was silent for {} ms", patience.as_millis()))
    }

    /// The same fault of a call that may succeed later, whatever the server said.
    pub(super) fn passing(self) -> Self {
        Self { kind: FaultKind::Busy, ..self }
    }

    /// The port's error.
    pub(super) fn into_error(self, outcome: Outcome) -> Error {
        let retry = self.kind != FaultKind::Permanent;
        match self.trouble {
            Some(trouble) => Error::database(DatabaseError::new(trouble, self.reason), retry, outcome),
            None => Error::database(self, retry, outcome),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        // The details of a violation quote the row, which may hold what no log should.
        if let Some(db) = error.as_db_error() {
            let kind = match FaultKind::of(db.code()) {
                FaultKind::Stale if !is_stale(db) => FaultKind::Permanent,
                kind => kind,
            };
            let trouble = match db.code().code() {
                "25006" => Some(DatabaseTrouble::ReadOnly),
                "53100" => Some(DatabaseTrouble::Full),
                "28000" | "28P01" => Some(DatabaseTrouble::LoginRefused),
                "3D000" => Some(DatabaseTrouble::Missing),
                "XX001" | "XX002" => Some(DatabaseTrouble::Damaged),
                _ => None,
            };
            let reason = format!("{} (SQLSTATE {})", db.message(), db.code().code());
            return Self { trouble, ..Self::new(kind, reason) };
        }
        let cause = error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        let ours = error.to_string().starts_with("error serializing parameter")
            || error.to_string().starts_with("error deserializing column");
        Self::new(if ours { FaultKind::Permanent } else { FaultKind::Lost }, cause)
    }
}

/// Of all that is not supported, only a plan that no longer fits its result heals on another connection.
fn is_stale(error: &tokio_postgres::error::DbError) -> bool {
    *error.code() != SqlState::FEATURE_NOT_SUPPORTED || error.message().contains("cached plan")
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Database(fault)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Fault::from(error).into()
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
    /// The kind of the fault, where it is one of the database.
    pub(super) fn fault(&self) -> Option<FaultKind> {
        match self {
            Self::Database(fault) => Some(fault.kind),
            Self::Refused(_) | Self::Corrupt(_) => None,
        }
    }

    /// The port's error, where `outcome` is known of a fault.
    pub(super) fn into_error(self, outcome: Outcome) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Database(fault) => fault.into_error(outcome),
            Self::Corrupt(what) => {
                Error::database(format!("stored data cannot be read: {what}"), false, Outcome::NotApplied)
            }
        }
    }
}
