use tower::Layer;

use super::AnswerFailures;

/// Answers every [`Failure`](crate::http::Failure) with the JSON body that all errors share (code,
/// message, details, request id), and logs the cause of those that are the registry's fault.
///
/// The body contains the id of the request, so the [`RequestIdLayer`](super::super::RequestIdLayer) has
/// to be outside of this layer.
///
/// ```
/// use aam_registry_core::{ErrorCode, http::{Failure, RegistryBody}, layers::AnswerFailuresLayer};
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
