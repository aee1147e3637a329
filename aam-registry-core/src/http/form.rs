use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, header};
use http_body::Body;
use multer::{Field, Multipart};

use super::{
    body::{RequestBody, Stalled},
    call::expect_body,
    failure::Failure,
};
use crate::error::{Error, ErrorCode};

/// How many bytes may be read that are not the content of a part; a form's boundaries and part headers
/// are much smaller.
const MAX_BACKLOG: u64 = 256 * 1024;
/// The most bytes that are passed to the parser at once.
const MAX_CHUNK: usize = 64 * 1024;

/// A `multipart/form-data` body (RFC 7578), read part by part.
#[derive(Debug)]
pub(crate) struct Form {
    multipart: Multipart<'static>,
    backlog: Backlog,
}

impl Form {
    /// The form of a request.
    ///
    /// # Errors
    /// [`ErrorCode::UnsupportedMediaType`] if the body is not a form.
    pub(crate) fn new(headers: &HeaderMap, body: RequestBody) -> Result<Self, Failure> {
        expect_body(headers, "multipart/form-data")?;
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let boundary = multer::parse_boundary(content_type)
            .map_err(|_| Error::invalid_request("The form's `Content-Type` names no boundary"))?;
        let backlog = Backlog::default();
        let chunks = Chunks { body, current: Bytes::new(), backlog: backlog.clone(), rested: true };
        Ok(Self { multipart: Multipart::new(chunks, boundary), backlog })
    }

    /// The next part; drop the previous one before.
    pub(crate) async fn next_part(&mut self) -> Result<Option<Part>, Failure> {
        let field = self.multipart.next_field().await.map_err(|error| unreadable(&error))?;
        Ok(field.map(|field| Part { field, backlog: self.backlog.clone() }))
    }
}

/// One part of a form.
#[derive(Debug)]
pub(crate) struct Part {
    field: Field<'static>,
    backlog: Backlog,
}

impl Part {
    /// Its name; empty if it has none.
    pub(crate) fn name(&self) -> &str {
        self.field.name().unwrap_or("")
    }

    /// Its next bytes.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let chunk = self.field.chunk().await.map_err(|error| unreadable(&error))?;
        if let Some(chunk) = &chunk {
            self.backlog.take(chunk.len());
        }
        Ok(chunk)
    }

    /// The whole part as text of at most `max` bytes.
    pub(crate) async fn text(&mut self, max: usize) -> Result<String, Failure> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if text.len() + chunk.len() > max {
                let message = format!("The part `{}` of the form is longer than {max} bytes", self.name());
                return Err(Error::invalid_request(message).into());
            }
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text)
            .map_err(|_| Error::invalid_request(format!("The part `{}` of the form is not UTF-8", self.name())).into())
    }
}

fn unreadable(error: &multer::Error) -> Failure {
    match error {
        multer::Error::StreamReadFailed(cause) if cause.is::<BacklogFull>() => {
            Failure::new(ErrorCode::InvalidRequest, "The form's part headers are too long")
        }
        multer::Error::StreamReadFailed(cause) => Stalled::told(&**cause).map_or_else(broken_off, Failure::from),
        multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => broken_off(),
        _ => Failure::new(ErrorCode::InvalidRequest, format!("The form cannot be read: {error}")),
    }
}

fn broken_off() -> Failure {
    Failure::new(ErrorCode::InvalidRequest, "The form broke off before its end; send it again")
}

/// Bytes that were read and are not known to be the content of a part yet.
#[derive(Clone, Debug, Default)]
struct Backlog(Arc<AtomicU64>);

impl Backlog {
    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn take(&self, bytes: usize) {
        self.0.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) > MAX_BACKLOG
    }
}

#[derive(Debug, thiserror::Error)]
#[error("too much of the form is no content of a part")]
struct BacklogFull;

/// The body in chunks of limited size, one per poll.
///
/// The parser takes all bytes it can get at every poll, and keeps those that it cannot use yet.
/// Returning pending after each chunk, and limiting the backlog, limits what the parser holds.
struct Chunks {
    body: RequestBody,
    /// Bytes of the body that were not passed on yet.
    current: Bytes,
    backlog: Backlog,
    rested: bool,
}

impl Stream for Chunks {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !std::mem::replace(&mut self.rested, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.backlog.is_full() {
            return Poll::Ready(Some(Err(BacklogFull.into())));
        }
        while self.current.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => self.current = frame.into_data().unwrap_or_default(),
            }
        }
        let len = self.current.len().min(MAX_CHUNK);
        let chunk = self.current.split_to(len);
        self.backlog.add(len);
        self.rested = false;
        Poll::Ready(Some(Ok(chunk)))
    }
}
