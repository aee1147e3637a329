use std::{
    convert::Infallible,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use tower::Service;

use super::future::ResponseFuture;
use crate::http::{Failure, RegistryBody, RequestContext};

/// The service of [`AnswerFailuresLayer`](super::AnswerFailuresLayer).
#[derive(Clone, Debug)]
pub struct AnswerFailures<S> {
    pub(super) inner: S,
}

impl<S, B> Service<Request<B>> for AnswerFailures<S>
where
    S: Service<Request<B>, Response = Response<RegistryBody>, Error = Failure>,
{
    type Response = Response<RegistryBody>;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A service that is not ready returns its error again when it is called.
        let _ = ready!(self.inner.poll_ready(cx));
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request_id = RequestContext::of(request.extensions()).and_then(RequestContext::id).cloned();
        ResponseFuture::new(self.inner.call(request), request_id)
    }
}
