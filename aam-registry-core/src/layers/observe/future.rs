use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use http::{HeaderValue, Response, StatusCode};
use pin_project_lite::pin_project;
use tracing::field;

use crate::{
    http::{
        Caller,
        metrics::{MethodLabel, RouteMeter},
    },
    layers::{ClientAddress, ShortText},
};

/// What is known about a request in progress.
#[derive(Debug)]
pub(super) struct Observation {
    began: Instant,
    method: MethodLabel,
    meter: Arc<RouteMeter>,
    client: Option<ClientAddress>,
    request_id: Option<HeaderValue>,
}

impl Observation {
    pub(super) fn begin(
        method: MethodLabel,
        meter: Arc<RouteMeter>,
        client: Option<ClientAddress>,
        request_id: Option<HeaderValue>,
    ) -> Self {
        Self { began: Instant::now(), method, meter, client, request_id }
    }

    pub(super) fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().and_then(|id| id.to_str().ok())
    }

    fn end(&self, status: StatusCode, caller: Option<&Caller>) {
        let duration = self.began.elapsed();
        let client = self.client.map(ClientAddress::to_text);
        self.meter.count(self.method, status, duration);
        tracing::info!(
            parent: None,
            event = "request",
            request_id = self.request_id(),
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
    /// The future of [`Observe`](super::Observe).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        observation: Observation,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, observation: Observation) -> Self {
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
