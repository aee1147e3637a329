use std::task::{Context, Poll};

use http::{Method, Request, Response};
use http_body::Body;
use tower::Service;

use super::future::ResponseFuture;

/// The service of [`HeadLayer`](super::HeadLayer).
#[derive(Clone, Debug)]
pub struct Head<S> {
    pub(super) inner: S,
}

impl<S, B, R> Service<Request<B>> for Head<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body + Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_head = request.method() == Method::HEAD;
        ResponseFuture::new(self.inner.call(request), is_head)
    }
}
