use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Response};
use pin_project_lite::pin_project;

use crate::http::{Failure, RegistryBody};

pin_project! {
    /// The future of [`AnswerFailures`](super::AnswerFailures).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        request_id: Option<HeaderValue>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, request_id: Option<HeaderValue>) -> Self {
        Self { inner, request_id }
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<RegistryBody>, Failure>>,
{
    type Output = Result<Response<RegistryBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let failure = match ready!(this.inner.poll(cx)) {
            Ok(response) => return Poll::Ready(Ok(response)),
            Err(failure) => failure,
        };
        let request_id = this.request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
        if let Some(cause) = failure.cause() {
            tracing::error!(event = "request_failed", request_id, code = failure.code().as_str(), error = cause);
        }
        Poll::Ready(Ok(failure.into_response(request_id)))
    }
}
