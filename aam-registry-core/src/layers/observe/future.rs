use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use http::{Response, StatusCode};
use pin_project_lite::pin_project;
use tower_http::request_id::RequestId;
use tracing::{field, instrument::Instrumented};

use crate::{
    http::{Caller, metrics},
    layers::ClientAddress,
};

/// What is known of a request while it is under way.
#[derive(Debug)]
pub(super) struct Observation {
    began: Instant,
    method: &'static str,
    route: &'static str,
    client: Option<ClientAddress>,
    request_id: Option<RequestId>,
}

impl Observation {
    pub(super) fn begin(
        method: &'static str,
        route: &'static str,
        client: Option<ClientAddress>,
        request_id: Option<RequestId>,
    ) -> Self {
        Self { began: Instant::now(), method, route, client, request_id }
    }

    pub(super) fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref().and_then(|id| id.header_value().to_str().ok())
    }

    fn end(&self, status: StatusCode, caller: Option<&Caller>) {
        let duration = self.began.elapsed();
        metrics::request(self.method, self.route, status, duration);
        tracing::info!(
            parent: None,
            event = "request",
            request_id = self.request_id(),
            method = self.method,
            route = self.route,
            status = status.as_u16(),
            duration_ms = duration.as_secs_f64() * 1000.0,
            client_ip = self.client.map(|client| field::display(client.0)),
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
        inner: Instrumented<F>,
        observation: Observation,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: Instrumented<F>, observation: Observation) -> Self {
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
