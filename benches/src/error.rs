use std::io;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why something was not measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something that the measurement needs is not installed or not possible.
    #[error("{0}")]
    Absent(String),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("the server answers {status} to {what}: {body}")]
    Refused { what: &'static str, status: u16, body: String },
    #[error("a request failed: {0}")]
    Reqwest(#[from] reqwest::Error),
    #[error("a request failed: {0}")]
    Hyper(#[from] hyper::Error),
    #[error("the SQLite database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the PostgreSQL database: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Adds to an I/O error what was attempted.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
