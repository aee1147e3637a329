use tower::Layer;

use super::SetRequestId;

/// Gives a request an id in its [`RequestContext`](crate::http::RequestContext),
/// and tells it as `X-Request-Id` of the answer.
///
/// An id that comes with the request is kept where it is fit for logs and
/// JSON; else a random one (a version 4 UUID) is made. `tower_http` has layers
/// for both; they cost a request ten allocations that this one does without.
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
