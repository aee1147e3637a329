use std::sync::Arc;

use tower::Layer;

use super::{ClientAddressService, ClientIpPolicy};

/// Gives a request its [`ClientAddress`](super::ClientAddress) as an extension.
#[derive(Clone, Debug)]
pub struct ClientAddressLayer {
    policy: Arc<ClientIpPolicy>,
}

impl ClientAddressLayer {
    /// Believes proxies as `policy` says.
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
