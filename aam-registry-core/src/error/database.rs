use std::{error::Error as StdError, fmt};

/// What is wrong with a database that only its operator can mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseTrouble {
    /// Its file was moved away, removed or replaced while it was open.
    Gone,
    /// What it holds is damaged.
    Damaged,
    /// It takes no changes.
    ReadOnly,
    /// The disk of its server is full.
    Full,
}

impl DatabaseTrouble {
    /// What is wrong with a database, where `error` or one of its causes is about that.
    pub fn behind(error: &(dyn StdError + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |error| (*error).source())
            .find_map(|cause| cause.downcast_ref::<DatabaseError>().map(|error| error.trouble))
    }
}

/// That a database is in trouble, as a cause for logs: it may name a path.
#[derive(Debug)]
pub struct DatabaseError {
    trouble: DatabaseTrouble,
    reason: String,
}

impl DatabaseError {
    /// An error of that kind, for that reason.
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
