use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::Service;

use super::future::{Observation, ResponseFuture};
use crate::http::{MatchedRoute, RequestContext, metrics::RouteMeter};

/// The service of [`ObserveLayer`](super::ObserveLayer).
#[derive(Clone, Debug)]
pub struct Observe<S> {
    pub(super) inner: S,
    pub(super) unmatched: Arc<RouteMeter>,
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
        let observation = Observation::begin(request.method().into(), Arc::clone(meter), client, id);
        ResponseFuture::new(self.inner.call(request), observation)
    }
}
