use std::{error::Error as StdError, fmt};

/// Trouble with a database that only its operator can fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatabaseTrouble {
    /// Its file was moved away, removed or replaced while it was open.
    Gone,
    /// Its contents are damaged.
    Damaged,
    /// It cannot be written to.
    ReadOnly,
    /// The disk of its server is full.
    Full,
    /// Its server does not let this one log in.
    LoginRefused,
    /// Its server has no database of that name.
    Missing,
}

impl DatabaseTrouble {
    /// The database trouble that `error` or one of its causes reports, if any.
    pub fn behind(error: &(dyn StdError + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |error| (*error).source())
            .find_map(|cause| cause.downcast_ref::<DatabaseError>().map(|error| error.trouble))
    }
}

/// An error about a database, as a cause for logs: it may contain a path.
#[derive(Debug)]
pub struct DatabaseError {
    trouble: DatabaseTrouble,
    reason: String,
}

impl DatabaseError {
    /// An error of that kind with this reason.
    pub fn new(trouble: DatabaseTrouble, reason: impl Into<String>) -> Self {
        Self { trouble, reason: reason.into() }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for DatabaseError {}
