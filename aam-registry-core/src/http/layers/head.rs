//! Answers `HEAD` for services that support `GET`.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// Removes the body of answers to `HEAD`, after setting `Content-Length` if the length is known.
///
/// ```
/// use aam_registry_core::http::{RegistryBody, layers::HeadLayer};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::convert::Infallible> {
/// let service = ServiceBuilder::new().layer(HeadLayer).service(service_fn(|_: Request<()>| async {
///     Ok::<_, std::convert::Infallible>(Response::new(RegistryBody::from("a page")))
/// }));
/// let response = service.oneshot(Request::head("/").body(()).expect("a request")).await?;
/// assert_eq!(response.headers()["content-length"], "6");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadLayer;

impl<S> Layer<S> for HeadLayer {
    type Service = Head<S>;

    fn layer(&self, inner: S) -> Head<S> {
        Head { inner }
    }
}

/// The service of [`HeadLayer`].
#[derive(Clone, Debug)]
pub struct Head<S> {
    inner: S,
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

pin_project! {
    /// The future of [`Head`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        is_head: bool,
    }
}

impl<F> ResponseFuture<F> {
    fn new(inner: F, is_head: bool) -> Self {
        Self { inner, is_head }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body + Default,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if *this.is_head {
            let has_body = !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
            if let Some(len) = response.body().size_hint().exact().filter(|_| has_body) {
                response.headers_mut().entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(len));
            }
            *response.body_mut() = R::default();
        }
        Poll::Ready(Ok(response))
    }
}
