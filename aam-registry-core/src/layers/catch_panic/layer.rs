use tower::Layer;

use super::CatchPanic;

/// Converts a panic of the inner service to an internal [`Failure`](crate::http::Failure).
///
/// ```
/// use aam_registry_core::{ErrorCode, http::Failure, layers::CatchPanicLayer};
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
