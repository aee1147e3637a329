use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Version, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};

use super::stall::Stall;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How many bytes of an unwanted body are still read, and for how long.
///
/// An HTTP/1 client that is refused while it sends a body often reads the answer only after it has sent
/// its last byte; closing the connection before that would lose the answer.
const DRAIN_BYTES: u64 = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(30);

/// The body of a request, whatever the server's type for it.
///
/// If it is dropped before its end, the rest is read and discarded in the background, within limits.
#[derive(Default)]
pub struct RequestBody {
    inner: Option<UnsyncBoxBody<Bytes, BoxError>>,
    stall: Stall,
    drain: bool,
}

impl RequestBody {
    /// Converts a request's body to this type. Reading it fails if the client sends less than 16 KiB
    /// during `patience`. An empty body costs nothing.
    pub(crate) fn erase<B>(request: Request<B>, patience: Duration) -> Request<Self>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let body = if body.is_end_stream() {
            Self::default()
        } else {
            // A client that waits for `100 Continue` has not begun to send; and HTTP/2 can end a single
            // stream.
            let drain = parts.version <= Version::HTTP_11 && !parts.headers.contains_key(header::EXPECT);
            Self { inner: Some(body.map_err(Into::into).boxed_unsync()), stall: Stall::after(patience), drain }
        };
        Request::from_parts(parts, body)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        let frame = match Pin::new(inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
                this.stall.note(data.map_or(0, Bytes::len));
                frame
            }
            Poll::Pending => Some(Err(ready!(this.stall.poll(cx)).into())),
        };
        if !matches!(frame, Some(Ok(_))) {
            this.inner = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(body) = self.inner.take().filter(|body| self.drain && !body.is_end_stream()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(DRAIN_TIME, drain(body)));
        }
    }
}

async fn drain(mut body: UnsyncBoxBody<Bytes, BoxError>) {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let len = frame.data_ref().map_or(0, Bytes::len) as u64;
        match left.checked_sub(len) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The length of the body that a request announces.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("size", &self.size_hint()).finish_non_exhaustive()
    }
}
