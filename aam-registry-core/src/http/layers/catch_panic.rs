//! Converts panics to failures.
//!
//! `tower_http::catch_panic` does the same for services with any response body, but has to box every
//! body. This layer returns a [`Failure`](crate::http::Failure) instead, and does not touch bodies.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
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

pin_project! {
    /// The future of [`CatchPanic`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Option<F>,
        failed: Option<Failure>,
    }
}

impl<F> ResponseFuture<F> {
    fn of(inner: F) -> Self {
        Self { inner: Some(inner), failed: None }
    }

    fn failed(failure: Failure) -> Self {
        Self { inner: None, failed: Some(failure) }
    }
}

impl<F, T> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, Failure>>,
{
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(this.failed.take().expect("polled after completion")));
        };
        match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
            Ok(poll) => poll,
            Err(panic) => {
                this.inner.set(None);
                Poll::Ready(Err(failure(&*panic)))
            }
        }
    }
}

fn failure(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Failure::internal(format!("panic: {}", text.unwrap_or("not a text")))
}
