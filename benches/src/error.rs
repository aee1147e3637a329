use std::io;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Missing(&'static str),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    #[error("the server answers {status} to {what}: {body}")]
    Refused { what: &'static str, status: u16, body: String },
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// Says what was tried when the system refused.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
