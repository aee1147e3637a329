//! Counts and logs every request.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use http::{HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::field;

use crate::{
    http::{
        Caller, MatchedRoute, RequestContext,
        metrics::{MethodLabel, RouteMeter},
    },
    types::{ClientAddress, ShortText},
};

/// Counts every request in `aam_requests_total` and `aam_request_duration_seconds`, and logs it in one
/// line (`event=request`). Durations end with the head of the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObserveLayer;

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        let unmatched = Arc::new(RouteMeter::new(MatchedRoute::UNMATCHED));
        Observe { inner, unmatched }
    }
}

/// The service of [`ObserveLayer`].
#[derive(Clone, Debug)]
pub struct Observe<S> {
    inner: S,
    unmatched: Arc<RouteMeter>,
}

impl<S, B, R> Service<Request<B>> for Observe<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let context = RequestContext::of(request.extensions());
        let meter = context.and_then(RequestContext::route).map_or(&self.unmatched, MatchedRoute::meter);
        let client = context.and_then(RequestContext::client);
        let id = context.and_then(RequestContext::id).cloned();
        let trace = context.and_then(RequestContext::trace).cloned();
        let observation = Observation::begin(request.method().into(), Arc::clone(meter), client, id, trace);
        ResponseFuture::new(self.inner.call(request), observation)
    }
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

/// What is known about a request in progress.
#[derive(Debug)]
struct Observation {
    began: Instant,
    method: MethodLabel,
    meter: Arc<RouteMeter>,
    client: Option<ClientAddress>,
    request_id: Option<HeaderValue>,
    trace_id: Option<HeaderValue>,
}

impl Observation {
    fn begin(
        method: MethodLabel,
        meter: Arc<RouteMeter>,
        client: Option<ClientAddress>,
        request_id: Option<HeaderValue>,
        trace_id: Option<HeaderValue>,
    ) -> Self {
        Self { began: Instant::now(), method, meter, client, request_id, trace_id }
    }

    fn end(&self, status: StatusCode, caller: Option<&Caller>) {
        let duration = self.began.elapsed();
        let client = self.client.map(ClientAddress::to_text);
        self.meter.count(self.method, status, duration);
        tracing::info!(
            parent: None,
            event = "request",
            request_id = text(self.request_id.as_ref()),
            trace_id = text(self.trace_id.as_ref()),
            method = self.method.as_str(),
            route = self.meter.route(),
            status = status.as_u16(),
            duration_ms = duration.as_secs_f64() * 1000.0,
            client_ip = client.as_ref().map(ShortText::as_str),
            user_id = caller.map(|caller| field::display(caller.user)),
            user = caller.map(|caller| caller.username.as_str()),
        );
    }
}

pin_project! {
    /// The future of [`Observe`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        observation: Observation,
    }
}

impl<F> ResponseFuture<F> {
    fn new(inner: F, observation: Observation) -> Self {
        Self { inner, observation }
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
        this.observation.end(response.status(), response.extensions().get::<Caller>());
        Poll::Ready(Ok(response))
    }
}
