use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use aam_registry_core::http::RegistryBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{chunk::counted, client::UnderWay, pace::Pace};

/// The most of an answer that is passed to HTTP/2 at once, in bytes: the contents of one frame.
const PIECE: usize = 16 * 1024;

/// The body of a request. The request counts as in progress until this is dropped.
#[derive(Debug)]
pub(super) struct RequestBody {
    body: Incoming,
    under_way: Option<UnderWay>,
}

impl RequestBody {
    pub(super) fn new(body: Incoming, under_way: &UnderWay) -> Self {
        let under_way = (!body.is_end_stream()).then(|| under_way.clone());
        Self { body, under_way }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(under_way) = &self.under_way {
            under_way.client().note_progress();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. The request counts as in progress until this is dropped.
#[derive(Debug)]
pub(super) struct AnswerBody {
    body: RegistryBody,
    /// Bytes that were read from the body and not passed on yet.
    rest: Bytes,
    pace: Option<Arc<Pace>>,
    /// Whether the body's bytes are in a shared cache, so that holding them costs no extra memory.
    is_shared: bool,
    under_way: UnderWay,
}

impl AnswerBody {
    /// An answer; if `pace` is given, it is split into pieces of the size that pace tracks.
    pub(super) fn new(body: RegistryBody, pace: Option<Arc<Pace>>, under_way: UnderWay) -> Self {
        let is_shared = body.is_shared();
        Self { body, rest: Bytes::new(), pace, is_shared, under_way }
    }

    /// Counts memory that only this answer holds.
    fn count(&self, data: Bytes) -> Bytes {
        if self.is_shared { data } else { counted(data, self.under_way.client()) }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let Some(pace) = &this.pace else {
            let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
            return Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(|data| this.count(data)))));
        };
        pace.ask();
        if this.rest.is_empty() {
            ready!(this.under_way.client().poll_room(cx));
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = this.count(data),
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let len = this.rest.len().min(PIECE);
        let piece = this.rest.split_to(len);
        pace.give();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let below = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(below.lower() + rest);
        if let Some(upper) = below.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
