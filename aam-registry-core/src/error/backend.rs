//! Failures of external services.

use std::{error::Error as StdError, fmt};

use super::{DatabaseTrouble, DiskTrouble, ErrorCode};

/// Which external service failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendKind {
    /// The database.
    Database,
    /// The archive store.
    Storage,
    /// The service through which replicas share a cache, rate limits and notifications of changes.
    Cache,
    /// An internal error of the registry.
    Internal,
}

/// Whether a change was made although its call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was certainly not made.
    NotApplied,
    /// It was certainly made.
    Applied,
    /// It may have been made: read the state again, never compensate.
    Unknown,
}

/// A failure of a database, a store or another external service.
#[derive(Debug)]
pub struct BackendError {
    /// Which service.
    pub kind: BackendKind,
    /// Whether the same call may succeed if made again.
    pub retry: bool,
    /// Whether the change was made.
    pub outcome: Outcome,
    /// The cause: for logs, never for clients.
    pub source: Box<dyn StdError + Send + Sync>,
}

impl BackendError {
    /// Whether this server must not use the service in its current state.
    pub(crate) fn is_unfit(&self) -> bool {
        self.source.is::<Unfit>() || self.database_trouble() == Some(DatabaseTrouble::Gone)
    }

    /// The stable code. If only the disk of a database cannot be written to, this is the code of
    /// unavailable storage.
    pub(crate) fn code(&self) -> ErrorCode {
        match self.kind {
            BackendKind::Database if self.disk_trouble().is_some() => ErrorCode::StorageUnavailable,
            BackendKind::Database => ErrorCode::DatabaseUnavailable,
            BackendKind::Storage => ErrorCode::StorageUnavailable,
            BackendKind::Cache => ErrorCode::CacheUnavailable,
            BackendKind::Internal => ErrorCode::Internal,
        }
    }

    /// The trouble with the database itself, if that is the cause.
    pub fn database_trouble(&self) -> Option<DatabaseTrouble> {
        DatabaseTrouble::behind(&*self.source)
    }

    /// The trouble with the disk of the service, if that is the cause.
    pub fn disk_trouble(&self) -> Option<DiskTrouble> {
        DiskTrouble::behind(&*self.source)
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The kind does not say whether the service answers at all: it may answer and refuse.
        f.write_str(match (self.kind, self.retry) {
            (BackendKind::Database, true) => "the database cannot be used now",
            (BackendKind::Database, false) => "the database failed",
            (BackendKind::Storage, true) => "the archive storage cannot be used now",
            (BackendKind::Storage, false) => "the archive storage failed",
            (BackendKind::Cache, true) => "the shared cache cannot be used now",
            (BackendKind::Cache, false) => "the shared cache failed",
            (BackendKind::Internal, _) => "an internal part failed",
        })
    }
}

/// The cause of a failure if a service does not permit a call because the credentials lack a right.
#[derive(Debug, thiserror::Error)]
#[error("permission denied: {0}")]
pub struct NotPermitted(Box<dyn StdError + Send + Sync>);

impl NotPermitted {
    /// `cause` is the service's own error.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// The cause of a failure if the bucket or container of the archive store does not exist.
#[derive(Debug, thiserror::Error)]
#[error("the bucket does not exist: {0}")]
pub struct NoSuchBucket(Box<dyn StdError + Send + Sync>);

impl NoSuchBucket {
    /// `cause` is the service's own error.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// An error with its causes in one line: for logs and operators, never for clients.
pub(crate) fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let mut texts: Vec<_> = causes.map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

impl StdError for BackendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// Why this server must not use the database in its current state.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unfit(pub(super) String);
