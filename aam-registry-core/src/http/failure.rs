use std::{error::Error as StdError, fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::{body::RegistryBody, rate_limits, short_value::whole_seconds, wire::ErrorBody};
use crate::{
    error::{BackendError, BackendKind, DatabaseTrouble, Detail, DiskTrouble, Error, ErrorCode, Outcome},
    types::{UserId, Username},
};

/// The `Retry-After` when an external service is down.
const OUTAGE_RETRY: Duration = Duration::from_secs(5);
/// The `Retry-After` while the registry is read-only: longer than clients wait by themselves.
const READ_ONLY_RETRY: Duration = Duration::from_mins(2);

/// The reason why a request gets an error answer. It passes through the layers as their error, and
/// [`AnswerFailuresLayer`](crate::http::layers::AnswerFailuresLayer) converts it to the answer.
pub struct Failure(Box<FailureParts>);

struct FailureParts {
    code: ErrorCode,
    message: String,
    details: Vec<Detail>,
    headers: HeaderMap,
    cause: Option<String>,
    caller: Option<Caller>,
}

/// The caller whose request was answered; an extension of the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user's id.
    pub user: UserId,
    /// The user's name.
    pub username: Username,
}

impl Failure {
    /// A failure with that code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let failure = Self(Box::new(FailureParts {
            code,
            message: message.into(),
            details: Vec::new(),
            headers: HeaderMap::new(),
            cause: None,
            caller: None,
        }));
        match code.status() {
            401 => failure.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            503 => failure.with_retry_after(OUTAGE_RETRY),
            _ => failure,
        }
    }

    /// The failure of a layer: of a [`Failure`] itself, of tower's time-out, or, for anything else, an
    /// internal error. It is what `map_err` takes after layers that box their errors.
    pub fn from_layer(error: Box<dyn StdError + Send + Sync>) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => *failure,
            Err(error) if error.is::<tower::timeout::error::Elapsed>() => {
                Error::Timeout("The registry took too long to answer; try again in a moment".to_owned()).into()
            }
            Err(error) => Self::internal(error.to_string()),
        }
    }

    /// The path exists, but not with that method.
    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let value = HeaderValue::try_from(allow).expect("method names are a header value");
        Self::new(ErrorCode::MethodNotAllowed, format!("This address answers {allow} only"))
            .with_header(header::ALLOW, value)
    }

    /// The body does not have the media type `expected`.
    pub(crate) fn unsupported_media_type(expected: &str) -> Self {
        Self::new(
            ErrorCode::UnsupportedMediaType,
            format!("The request body must be sent with `Content-Type: {expected}`"),
        )
    }

    /// The body is in the content coding `coding`.
    pub(crate) fn unsupported_coding(coding: &str) -> Self {
        let shown: String = coding.chars().take(40).collect();
        Self::new(
            ErrorCode::UnsupportedMediaType,
            format!("The request body is sent with `Content-Encoding: {shown}`; send it as it is, without that header"),
        )
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
    }

    /// None of the requested bytes is within the `len` bytes.
    pub(crate) fn range_not_satisfiable(len: u64) -> Self {
        let failure = Self::new(
            ErrorCode::RangeNotSatisfiable,
            format!("The archive has {len} bytes; the range asked for lies outside"),
        );
        let content_range = HeaderValue::try_from(format!("bytes */{len}"));
        failure.with_header(header::CONTENT_RANGE, content_range.expect("digits are a header value"))
    }

    /// Several faults of a query or a body, reported together.
    pub(crate) fn invalid(message: impl Into<String>, details: Vec<Detail>) -> Self {
        Error::InvalidRequest { message: message.into(), details }.into()
    }

    /// An internal error; `cause` is logged, never sent.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        Self::new(
            ErrorCode::Internal,
            "Something went wrong in the registry; tell its operator the `request_id` if it happens again",
        )
        .with_cause(cause)
    }

    /// Sets the cause, which is logged and never sent.
    #[must_use]
    pub(crate) fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Sets `Retry-After` in whole seconds, at least one.
    #[must_use]
    fn with_retry_after(self, wait: Duration) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait).max(1)))
    }

    /// Sets the caller.
    #[must_use]
    pub(crate) fn with_caller(mut self, caller: Caller) -> Self {
        self.0.caller = Some(caller);
        self
    }

    /// The caller, if it is known.
    pub(crate) fn caller(&self) -> Option<&Caller> {
        self.0.caller.as_ref()
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The cause to log.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The headers of the answer in addition to those of every error.
    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.0.headers
    }

    /// The answer with the JSON body of errors.
    pub(crate) fn into_response(self, request_id: &str) -> Response<RegistryBody> {
        let inner = *self.0;
        let body = ErrorBody::new(inner.code, inner.message, inner.details, request_id);
        let mut response = Response::new(RegistryBody::from(body.to_json()));
        *response.status_mut() = StatusCode::from_u16(inner.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = inner.headers;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(caller) = inner.caller {
            response.extensions_mut().insert(caller);
        }
        response
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::Backend(backend) = error {
            return backend.into();
        }
        let mut failure = Self::new(error.code(), error.to_string());
        failure.0.details = error.details();
        match error {
            Error::RateLimited(decision) => {
                rate_limits::insert(failure.headers_mut(), &decision);
                failure.with_retry_after(decision.retry_after.unwrap_or_default())
            }
            Error::Overloaded | Error::TooManyAtOnce(_) => failure.with_retry_after(Duration::from_secs(1)),
            Error::IssuerUnavailable(_) | Error::ScannerKeysUnavailable => {
                failure.with_retry_after(Duration::from_secs(5))
            }
            Error::ReadOnly { .. } => failure.with_retry_after(READ_ONLY_RETRY),
            _ => failure,
        }
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        let (code, cause) = (error.code(), causes(&error));
        let Some(trouble) = trouble(&error) else { return Self::internal(cause) };
        // A permanent error is not an outage: an archive may be missing in a store that works.
        let again = match error.disk_trouble() {
            Some(_) => "its operator has to see to that",
            None if error.database_trouble().is_some() => "its operator has to see to that",
            None if error.is_unfit() => "try again in a moment, or tell its operator",
            None if error.retry => "try again in a moment",
            None => "tell its operator the `request_id` if it happens again",
        };
        let advice = match error.outcome {
            Outcome::NotApplied => again,
            Outcome::Applied => "what you asked for was done; look before you try again",
            Outcome::Unknown => "look whether what you asked for was done before you try again",
        };
        Self::new(code, format!("{trouble}; {advice}")).with_cause(cause)
    }
}

/// Which external service fails and how, as a sentence without a full stop; `None` for other errors.
pub(crate) fn trouble(error: &BackendError) -> Option<String> {
    let (part, disk) = match error.kind {
        BackendKind::Database => ("database", "disk with the registry's database (its data folder)"),
        BackendKind::Storage => ("archive storage", "disk with the registry's archives"),
        BackendKind::Cache => ("cache", "disk with the registry's cache"),
        BackendKind::Internal => return None,
    };
    if let Some(trouble) = error.database_trouble() {
        let told = match trouble {
            DatabaseTrouble::Gone => {
                "The file of the registry's database was moved away or replaced under the running server: the right \
                 file has to be put in its place and the server started again"
            }
            DatabaseTrouble::Damaged => "The registry's database is damaged: it has to be restored from a backup",
            DatabaseTrouble::ReadOnly => {
                "The registry's database takes no changes: it, or the server's right to it, is read-only"
            }
            DatabaseTrouble::Full => "The disk of the registry's database is full: room has to be made there",
            DatabaseTrouble::LoginRefused => {
                "The registry's database does not let the server log in: its user and password have to be set right"
            }
            DatabaseTrouble::Missing => "The registry's database does not exist: it has to be created or restored",
        };
        return Some(told.to_owned());
    }
    if error.is_unfit() {
        return Some("This server cannot work with the registry's database as it is, and its log says why".to_owned());
    }
    Some(match error.disk_trouble() {
        Some(DiskTrouble::Full) => format!("The {disk} is full: room has to be made there"),
        Some(DiskTrouble::Unwritable) => {
            format!("The {disk} cannot be written to: its folder has to be there and writable for the server")
        }
        None if error.retry => format!("The registry's {part} does not answer"),
        None => format!("The registry's {part} failed at this"),
    })
}

impl From<crate::error::InvalidName> for Failure {
    fn from(error: crate::error::InvalidName) -> Self {
        Error::from(error).into()
    }
}

/// An error and its causes, on one line.
fn causes(error: &BackendError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl StdError for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DiskError;

    fn full() -> DiskError {
        DiskError::new(DiskTrouble::Full, "/srv/registry.db: database or disk is full")
    }

    #[test]
    fn advice_is_that_of_the_trouble() {
        for (error, told) in [
            (Error::storage("away", true), "archive storage does not answer; try again in a moment"),
            (Error::storage("missing", false), "archive storage failed at this; tell its operator"),
            (Error::database("away", true, Outcome::NotApplied), "database does not answer; try again in a moment"),
            (Error::database("lost", true, Outcome::Unknown), "look whether what you asked for was done"),
            (
                Error::storage(full(), false),
                "disk with the registry's archives is full: room has to be made there; its",
            ),
            (
                Error::database(full(), false, Outcome::NotApplied),
                "disk with the registry's database (its data folder)",
            ),
        ] {
            let failure = Failure::from(error);
            assert!(failure.to_string().contains(told), "{failure} lacks {told}");
            assert!(!failure.to_string().contains("/srv"), "{failure} tells a path");
        }
        let failure = Failure::from(Error::database(full(), false, Outcome::NotApplied));
        assert_eq!(failure.code(), ErrorCode::StorageUnavailable);
    }
}
