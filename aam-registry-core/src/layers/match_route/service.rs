use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::Request;
use tower::Service;

use crate::http::{Matcher, RequestContext};

/// The service of [`MatchRouteLayer`](super::MatchRouteLayer).
#[derive(Clone, Debug)]
pub struct MatchRoute<S> {
    pub(super) inner: S,
    pub(super) matcher: Arc<Matcher>,
}

impl<S, B> Service<Request<B>> for MatchRoute<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(matched) = self.matcher.find(request.method(), request.uri().path()) {
            RequestContext::of_mut(request.extensions_mut()).set_route(matched);
        }
        self.inner.call(request)
    }
}
