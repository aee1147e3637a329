//! Converts panics to failures.
//!
//! `tower_http::catch_panic` does the same for services with any response body, but has to box every
//! body. This layer returns a [`Failure`](crate::http::Failure) instead, and does not touch bodies.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll},
    thread,
};

use futures_util::{
    FutureExt,
    future::{self, CatchUnwind, Either, Map, Ready},
};
use tower::{Layer, Service};

use crate::http::Failure;

/// Converts a panic of the inner service to an internal [`Failure`](crate::http::Failure).
///
/// ```
/// use aam_registry_core::{ErrorCode, http::{Failure, layers::CatchPanicLayer}};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let service = ServiceBuilder::new().layer(CatchPanicLayer).service(service_fn(|divisor: u32| async move {
///     Ok::<_, Failure>(7 / divisor)
/// }));
/// assert_eq!(service.oneshot(0).await.expect_err("a division by zero").code(), ErrorCode::Internal);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic { inner }
    }
}

/// The service of [`CatchPanicLayer`].
#[derive(Clone, Debug)]
pub struct CatchPanic<S> {
    inner: S,
}

impl<S, Q> Service<Q> for CatchPanic<S>
where
    S: Service<Q, Error = Failure>,
{
    type Response = S::Response;
    type Error = Failure;
    type Future = Either<Caught<S::Future, S::Response>, Ready<Result<S::Response, Failure>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Q) -> Self::Future {
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(future) => Either::Left(AssertUnwindSafe(future).catch_unwind().map(flattened)),
            Err(panic) => Either::Right(future::err(failure(&*panic))),
        }
    }
}

/// The future of a service whose panics are caught.
type Caught<F, T> = Map<CatchUnwind<AssertUnwindSafe<F>>, fn(thread::Result<Result<T, Failure>>) -> Result<T, Failure>>;

fn flattened<T>(caught: thread::Result<Result<T, Failure>>) -> Result<T, Failure> {
    caught.unwrap_or_else(|panic| Err(failure(&*panic)))
}

fn failure(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Failure::internal(format!("panic: {}", text.unwrap_or("not a text")))
}
