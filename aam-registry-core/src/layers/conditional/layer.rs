use tower::Layer;

use super::Conditional;

/// Answers 304 if `If-None-Match` contains the `ETag` of a 200 (RFC 9110, section 13.1.2).
///
/// Has to be outside of compression: it appends the content coding to the entity tag, because strong
/// tags have to differ between codings. Works for any service whose answers have an `ETag`; other
/// answers pass unchanged.
///
/// ```
/// use aam_registry_core::layers::ConditionalLayer;
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
