use std::task::{Context, Poll};

use http::{Method, Request, Response};
use tower::Service;
use tower_http::request_id::RequestId;
use tracing::Instrument;

use super::future::{Observation, ResponseFuture};
use crate::{http::MatchedRoute, layers::ClientAddress};

/// The service of [`ObserveLayer`](super::ObserveLayer).
#[derive(Clone, Debug)]
pub struct Observe<S> {
    pub(super) inner: S,
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
        let extensions = request.extensions();
        let request_id = extensions.get::<RequestId>().cloned();
        let route = extensions.get::<MatchedRoute>().map_or(MatchedRoute::UNMATCHED, MatchedRoute::pattern);
        let client = extensions.get::<ClientAddress>().copied();
        let observation = Observation::begin(method(request.method()), route, client, request_id);
        let span = tracing::info_span!("request", request_id = observation.request_id());
        let inner = span.in_scope(|| self.inner.call(request));
        ResponseFuture::new(inner.instrument(span), observation)
    }
}

/// The method as a label; what we never answer is not worth a label of its own.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
