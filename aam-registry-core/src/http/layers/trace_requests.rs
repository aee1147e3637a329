//! Puts a span for traces around each request.

use std::{
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::{
    Instrument, Span,
    field::{self, Empty},
    instrument::Instrumented,
};

use crate::{
    http::{MatchedRoute, RequestContext, metrics::MethodLabel},
    ports::SPANS,
};

/// Connects the spans of requests with the traces that a host collects. The host knows the format of its traces; this
/// crate only makes the spans, of the target [`SPANS`].
pub trait TraceLink: Debug + Send + Sync + 'static {
    /// Makes `span`, of a request with these headers, part of the trace that the headers name, if they name one. Returns
    /// the id of the request's trace, for its log lines.
    fn link(&self, span: &Span, headers: &HeaderMap) -> Option<HeaderValue>;
}

/// Runs each request in a span of its own, named after method and route, with the status of its answer. Inside of it
/// are the spans of the use case and of every call of a database, Redis or archive store.
///
/// It needs the [`RequestContext`] with the route, and adds the id of the trace to it.
#[derive(Clone, Debug)]
pub struct TraceRequestsLayer {
    link: Arc<dyn TraceLink>,
}

impl TraceRequestsLayer {
    /// Spans that `link` connects with traces.
    pub fn new(link: Arc<dyn TraceLink>) -> Self {
        Self { link }
    }
}

impl<S> Layer<S> for TraceRequestsLayer {
    type Service = TraceRequests<S>;

    fn layer(&self, inner: S) -> TraceRequests<S> {
        TraceRequests { inner, link: Arc::clone(&self.link) }
    }
}

/// The service of [`TraceRequestsLayer`].
#[derive(Clone, Debug)]
pub struct TraceRequests<S> {
    inner: S,
    link: Arc<dyn TraceLink>,
}

impl<S, B, R> Service<Request<B>> for TraceRequests<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let span = span_of(&request);
        if let Some(trace) = self.link.link(&span, request.headers()) {
            RequestContext::of_mut(request.extensions_mut()).set_trace(trace);
        }
        let inner = span.in_scope(|| self.inner.call(request));
        ResponseFuture { inner: inner.instrument(span.clone()), span }
    }
}

fn span_of<B>(request: &Request<B>) -> Span {
    let context = RequestContext::of(request.extensions());
    let route = context.and_then(RequestContext::route).map_or(MatchedRoute::UNMATCHED, MatchedRoute::pattern);
    let method = MethodLabel::from(request.method()).as_str();
    tracing::trace_span!(
        target: SPANS,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        request_id = context.and_then(RequestContext::id).and_then(|id| id.to_str().ok()),
    )
}

pin_project! {
    /// The future of [`TraceRequests`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Instrumented<F>,
        span: Span,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let status = response.status();
        this.span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            this.span.record("otel.status_code", field::display("ERROR"));
        }
        Poll::Ready(Ok(response))
    }
}
