//! Adds the fields of a request to the log events of its processing.

use std::task::{Context, Poll};

use http::{Extensions, Request};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field, instrument::Instrumented};

use crate::{
    http::{MatchedRoute, RequestContext},
    types::{ClientAddress, Principal, ShortText},
};

/// Runs the inner service in a span `request` with the `request_id`, the client's address as
/// `client_ip`, the `trace_id` where traces are collected, and the authenticated user as `user_id` and
/// `user`, so that the events of use cases have these fields too.
///
/// Place it inside of layers that answer cached requests: a span costs more than such an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestSpanLayer;

impl<S> Layer<S> for RequestSpanLayer {
    type Service = RequestSpan<S>;

    fn layer(&self, inner: S) -> RequestSpan<S> {
        RequestSpan { inner }
    }
}

/// The service of [`RequestSpanLayer`].
#[derive(Clone, Debug)]
pub struct RequestSpan<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for RequestSpan<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let span = request_span(request.extensions());
        let inner = span.in_scope(|| self.inner.call(request));
        inner.instrument(span)
    }
}

/// The span of a request; none for a route that logs nothing else.
pub(crate) fn request_span(extensions: &Extensions) -> Span {
    let context = RequestContext::of(extensions);
    let route = context.and_then(RequestContext::route).and_then(MatchedRoute::route);
    if route.is_some_and(|route| route.is_quiet) {
        return Span::none();
    }
    let id = context.and_then(RequestContext::id).and_then(|id| id.to_str().ok());
    let client = context.and_then(RequestContext::client).map(ClientAddress::to_text);
    let principal = extensions.get::<Principal>();
    let trace = context.and_then(RequestContext::trace).and_then(|trace| trace.to_str().ok());
    tracing::info_span!(
        "request",
        request_id = id,
        trace_id = trace,
        client_ip = client.as_ref().map(ShortText::as_str),
        user_id = principal.map(|by| field::display(by.user)),
        user = principal.map(Principal::name),
    )
}
