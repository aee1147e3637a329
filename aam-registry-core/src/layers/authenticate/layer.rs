use std::sync::Arc;

use tower::Layer;

use super::Authenticate;
use crate::ports::Authenticator;

/// Adds a request's [`Principal`](crate::types::Principal) to its extensions, as an [`Authenticator`]
/// identifies it.
///
/// A request that the authenticator does not recognize is anonymous. One with a bad credential is
/// refused with 401, even if the route needs no credential. The answer has the
/// [`Caller`](crate::http::Caller) as an extension.
///
/// ```
/// use aam_registry_core::{
///     http::Failure,
///     layers::{AuthenticateLayer, BearerAuthenticator},
///     memory,
///     types::Principal,
/// };
/// use http::{Request, Response, header};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bearers = BearerAuthenticator::new(memory::registry().build()?);
/// let service = ServiceBuilder::new().layer(AuthenticateLayer::new(bearers)).service(service_fn(
///     |request: Request<()>| async move {
///         Ok::<_, Failure>(Response::new(request.extensions().get::<Principal>().is_some()))
///     },
/// ));
/// let anonymous = service.clone().oneshot(Request::new(())).await?;
/// assert!(!anonymous.into_body());
/// let forged = Request::builder().header(header::AUTHORIZATION, "Bearer forged").body(())?;
/// assert!(service.oneshot(forged).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthenticateLayer {
    authenticator: Arc<dyn Authenticator>,
}

impl AuthenticateLayer {
    /// Uses `authenticator` to identify callers.
    pub fn new(authenticator: impl Authenticator) -> Self {
        Self { authenticator: Arc::new(authenticator) }
    }
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        Authenticate { inner, authenticator: Arc::clone(&self.authenticator) }
    }
}
