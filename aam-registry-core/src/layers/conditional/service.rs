use std::task::{Context, Poll};

use http::{HeaderMap, Method, Request, Response, header};
use tower::Service;

use super::future::ResponseFuture;

/// The service of [`ConditionalLayer`](super::ConditionalLayer).
#[derive(Clone, Debug)]
pub struct Conditional<S> {
    pub(super) inner: S,
}

impl<S, B, R> Service<Request<B>> for Conditional<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut conditions = HeaderMap::new();
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            for value in request.headers().get_all(header::IF_NONE_MATCH) {
                conditions.append(header::IF_NONE_MATCH, value.clone());
            }
        }
        ResponseFuture::new(self.inner.call(request), conditions)
    }
}
