use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::http::Failure;

pin_project! {
    /// The future of [`CatchPanic`](super::CatchPanic).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Option<F>,
        failed: Option<Failure>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn of(inner: F) -> Self {
        Self { inner: Some(inner), failed: None }
    }

    pub(super) fn failed(failure: Failure) -> Self {
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

pub(super) fn failure(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Failure::internal(format!("panic: {}", text.unwrap_or("not a text")))
}
