use tower::Layer;

use super::SetRequestId;

/// Gives a request an id in its [`RequestContext`](crate::http::RequestContext), and returns it as
/// `X-Request-Id` in the answer.
///
/// An id in the request is used if it is suitable for logs and JSON; otherwise a random one (a version
/// 4 UUID) is generated. `tower_http` has layers for both, which cost a request ten allocations that
/// this layer avoids.
///
/// ```
/// use aam_registry_core::layers::RequestIdLayer;
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::convert::Infallible> {
/// let service = ServiceBuilder::new().layer(RequestIdLayer).service(service_fn(|_: Request<()>| async {
///     Ok::<_, std::convert::Infallible>(Response::new(()))
/// }));
/// let request = Request::builder().header("x-request-id", "from-afar").body(()).expect("a request");
/// assert_eq!(service.oneshot(request).await?.headers()["x-request-id"], "from-afar");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestIdLayer;

impl<S> Layer<S> for RequestIdLayer {
    type Service = SetRequestId<S>;

    fn layer(&self, inner: S) -> SetRequestId<S> {
        SetRequestId { inner }
    }
}
