use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::Request;
use tower::Service;

use super::ClientIpPolicy;
use crate::http::{PeerAddr, RequestContext};

/// The service of [`ClientAddressLayer`](super::ClientAddressLayer).
#[derive(Clone, Debug)]
pub struct ClientAddressService<S> {
    pub(super) inner: S,
    pub(super) policy: Arc<ClientIpPolicy>,
}

impl<S, B> Service<Request<B>> for ClientAddressService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(PeerAddr(peer)) = request.extensions().get::<PeerAddr>().copied() {
            let address = self.policy.client_address(peer.ip(), request.headers());
            RequestContext::of_mut(request.extensions_mut()).set_client(address);
        }
        self.inner.call(request)
    }
}
