use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll},
};

use tower::Service;

use super::future::{ResponseFuture, failure};
use crate::http::Failure;

/// The service of [`CatchPanicLayer`](super::CatchPanicLayer).
#[derive(Clone, Debug)]
pub struct CatchPanic<S> {
    pub(super) inner: S,
}

impl<S, Q> Service<Q> for CatchPanic<S>
where
    S: Service<Q, Error = Failure>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Q) -> Self::Future {
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(future) => ResponseFuture::of(future),
            Err(panic) => ResponseFuture::failed(failure(&*panic)),
        }
    }
}
