use tower::Layer;

use super::Head;

/// Removes the body of answers to `HEAD`, after setting `Content-Length` if the length is known.
///
/// ```
/// use aam_registry_core::{http::RegistryBody, layers::HeadLayer};
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
