//! Converts failures to JSON answers.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::http::{Failure, RegistryBody, RequestContext};

/// Answers every [`Failure`](crate::http::Failure) with the JSON body that all errors share (code,
/// message, details, request id), and logs the cause of those that are the registry's fault.
///
/// The body contains the id of the request, so the
/// [`RequestIdLayer`](super::RequestIdLayer) has to be outside of this layer.
///
/// ```
/// use aam_registry_core::{ErrorCode, http::{Failure, RegistryBody, layers::AnswerFailuresLayer}};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::convert::Infallible> {
/// let service = ServiceBuilder::new().layer(AnswerFailuresLayer).service(service_fn(|_: Request<()>| async {
///     Err::<Response<RegistryBody>, _>(Failure::new(ErrorCode::Forbidden, "Not on Sundays"))
/// }));
/// let response = service.oneshot(Request::new(())).await?;
/// assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (403, &"application/json".parse().expect("a header")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AnswerFailuresLayer;

impl<S> Layer<S> for AnswerFailuresLayer {
    type Service = AnswerFailures<S>;

    fn layer(&self, inner: S) -> AnswerFailures<S> {
        AnswerFailures { inner }
    }
}

/// The service of [`AnswerFailuresLayer`].
#[derive(Clone, Debug)]
pub struct AnswerFailures<S> {
    inner: S,
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

pin_project! {
    /// The future of [`AnswerFailures`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        request_id: Option<HeaderValue>,
    }
}

impl<F> ResponseFuture<F> {
    fn new(inner: F, request_id: Option<HeaderValue>) -> Self {
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
