//! Conditional reads of representations with an entity tag.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::http::entity_tag;

/// Answers 304 if `If-None-Match` contains the `ETag` of a 200 (RFC 9110, section 13.1.2).
///
/// Has to be outside of compression: it appends the content coding to the entity tag, because strong
/// tags have to differ between codings. Works for any service whose answers have an `ETag`; other
/// answers pass unchanged.
///
/// ```
/// use aam_registry_core::http::layers::ConditionalLayer;
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::convert::Infallible> {
/// let service = ServiceBuilder::new().layer(ConditionalLayer).service(service_fn(|_: Request<()>| async {
///     let mut response = Response::new("a page".to_owned());
///     response.headers_mut().insert("etag", http::HeaderValue::from_static("\"v1\""));
///     Ok::<_, std::convert::Infallible>(response)
/// }));
/// let request = Request::builder().header("if-none-match", "\"v1\"").body(()).expect("a request");
/// let response = service.oneshot(request).await?;
/// assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
/// assert_eq!(response.body(), "");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ConditionalLayer;

impl<S> Layer<S> for ConditionalLayer {
    type Service = Conditional<S>;

    fn layer(&self, inner: S) -> Conditional<S> {
        Conditional { inner }
    }
}

/// The service of [`ConditionalLayer`].
#[derive(Clone, Debug)]
pub struct Conditional<S> {
    inner: S,
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

pin_project! {
    /// The future of [`Conditional`].
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        conditions: HeaderMap,
    }
}

impl<F> ResponseFuture<F> {
    fn new(inner: F, conditions: HeaderMap) -> Self {
        Self { inner, conditions }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Default,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if response.status() != StatusCode::OK {
            return Poll::Ready(Ok(response));
        }
        suffix_by_coding(response.headers_mut());
        let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
        if etag.is_some_and(|etag| entity_tag::none_match_names(this.conditions, etag)) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            for gone in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                response.headers_mut().remove(gone);
            }
            *response.body_mut() = R::default();
        }
        Poll::Ready(Ok(response))
    }
}

fn suffix_by_coding(headers: &mut HeaderMap) {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(etag), Some(coding)) = (text(header::ETAG), text(header::CONTENT_ENCODING)) else { return };
    if let Some(etag) = entity_tag::with_coding(etag, coding) {
        headers.insert(header::ETAG, etag);
    }
}
