use std::sync::Arc;

use tower::Layer;

use super::{ClientAddressService, ClientIpPolicy};

/// Adds the client's address to a request's [`RequestContext`](crate::http::RequestContext), if the
/// server provides the peer's address as a [`PeerAddr`](crate::http::PeerAddr).
///
/// ```
/// use aam_registry_core::{
///     http::{PeerAddr, RequestContext},
///     layers::{ClientAddress, ClientAddressLayer, ClientIpPolicy},
/// };
/// use http::Request;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), std::convert::Infallible> {
/// let service = ServiceBuilder::new().layer(ClientAddressLayer::new(ClientIpPolicy::default())).service(service_fn(
///     |request: Request<()>| async move {
///         Ok::<_, std::convert::Infallible>(RequestContext::of(request.extensions()).and_then(RequestContext::client))
///     },
/// ));
/// let request = Request::builder().header("x-forwarded-for", "203.0.113.9").body(()).expect("a request");
/// let mut request = request;
/// request.extensions_mut().insert(PeerAddr(([127, 0, 0, 1], 4711).into()));
/// assert_eq!(service.oneshot(request).await?, Some(ClientAddress([203, 0, 113, 9].into())));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientAddressLayer {
    policy: Arc<ClientIpPolicy>,
}

impl ClientAddressLayer {
    /// Trusts proxies according to `policy`.
    pub fn new(policy: ClientIpPolicy) -> Self {
        Self { policy: Arc::new(policy) }
    }
}

impl<S> Layer<S> for ClientAddressLayer {
    type Service = ClientAddressService<S>;

    fn layer(&self, inner: S) -> ClientAddressService<S> {
        ClientAddressService { inner, policy: Arc::clone(&self.policy) }
    }
}
