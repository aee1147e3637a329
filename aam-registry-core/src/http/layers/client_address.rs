//! Determines the client's address.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderName, Request, header};
use ipnet::IpNet;
use tower::{Layer, Service};

use crate::{
    http::{PeerAddr, RequestContext},
    types::ClientAddress,
};

/// Which proxies are trusted to name a client's address, and in which header.
///
/// The header is a list of addresses such as `X-Forwarded-For`, a single address, or `Forwarded` (RFC 7239), of which the
/// `for` counts.
///
/// If the peer is trusted, the header is read from its right end, skipping trusted proxies, up to the
/// first address that is not trusted. From other peers the header is ignored, and a warning is logged
/// once.
#[derive(Debug)]
pub struct ClientIpPolicy {
    trusted: Vec<IpNet>,
    header: HeaderName,
    warned: AtomicBool,
}

impl ClientIpPolicy {
    /// Trusts `header` from peers in `trusted`.
    pub fn new(trusted: impl IntoIterator<Item = IpNet>, header: HeaderName) -> Self {
        Self { trusted: trusted.into_iter().collect(), header, warned: AtomicBool::new(false) }
    }

    /// The client of a request on a connection from `peer`.
    pub fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let peer = peer.to_canonical();
        if !headers.contains_key(&self.header) {
            return ClientAddress(peer);
        }
        if !self.trusts(peer) {
            if !self.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    event = "untrusted_proxy",
                    client_ip = %peer,
                    header = self.header.as_str(),
                    "ignored a client address sent by a peer that is not in TRUSTED_PROXIES"
                );
            }
            return ClientAddress(peer);
        }
        let values: Vec<_> = headers.get_all(&self.header).iter().map(|value| value.to_str().unwrap_or("")).collect();
        let mut client = peer;
        let is_rfc_7239 = self.header == header::FORWARDED;
        for hop in values.iter().flat_map(|value| value.split(',')).rev() {
            let hop = if is_rfc_7239 { forwarded_for(hop) } else { Some(hop) };
            // No trusted proxy has checked what is to the left of an address that cannot be parsed.
            let Some(address) = hop.and_then(hop_address) else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        ClientAddress(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

impl Default for ClientIpPolicy {
    /// Trusts `X-Forwarded-For` from loopback addresses.
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1/128"].map(|network| network.parse::<IpNet>().expect("a network"));
        Self::new(loopback, HeaderName::from_static("x-forwarded-for"))
    }
}

impl Clone for ClientIpPolicy {
    fn clone(&self) -> Self {
        Self::new(self.trusted.clone(), self.header.clone())
    }
}

/// The `for` of one element of `Forwarded`, such as `for="[2001:db8::1]:4711";proto=https` (RFC 7239, section 4). Names
/// and quoted strings with commas are not taken apart: proxies hide behind them, and no address holds one.
fn forwarded_for(element: &str) -> Option<&str> {
    let value = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    })?;
    Some(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

/// The address of one hop; some proxies add a port or brackets.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// Adds the client's address to a request's [`RequestContext`](crate::http::RequestContext), if the
/// server provides the peer's address as a [`PeerAddr`](crate::http::PeerAddr).
///
/// ```
/// use aam_registry_core::{
///     http::{PeerAddr, RequestContext, layers::{ClientAddressLayer, ClientIpPolicy}},
///     types::ClientAddress,
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

/// The service of [`ClientAddressLayer`].
#[derive(Clone, Debug)]
pub struct ClientAddressService<S> {
    inner: S,
    policy: Arc<ClientIpPolicy>,
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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(value));
        }
        let networks = ["127.0.0.0/8", "10.0.0.0/8"].map(|network| network.parse::<IpNet>().expect("network"));
        let policy = ClientIpPolicy::new(networks, HeaderName::from_static("x-forwarded-for"));
        policy.client_address(peer.parse().expect("address"), &headers).0.to_string()
    }

    #[test]
    fn the_rightmost_untrusted_hop_is_the_client() {
        assert_eq!(client("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["1.1.1.1, 203.0.113.9", "10.0.0.2"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(client("::ffff:127.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["[2001:db8::1]:80"]), "2001:db8::1");
    }

    #[test]
    fn forwarded_names_the_client_too() {
        let client = |peer: &str, forwarded: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(header::FORWARDED, HeaderValue::from_static(value));
            }
            headers.append("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
            let networks = ["127.0.0.0/8", "10.0.0.0/8"].map(|network| network.parse::<IpNet>().expect("network"));
            let policy = ClientIpPolicy::new(networks, header::FORWARDED);
            policy.client_address(peer.parse().expect("address"), &headers).0.to_string()
        };
        assert_eq!(client("127.0.0.1", &["for=203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["For=1.1.1.1, for=203.0.113.9;proto=https;by=10.0.0.2"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["for=203.0.113.9", "proto=https; for=\"10.0.0.2:80\""]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["for=\"[2001:db8::1]:4711\""]), "2001:db8::1");
        assert_eq!(client("127.0.0.1", &["for=\"[2001:db8::1]\""]), "2001:db8::1");
        // A hop without an address: nothing to its left was checked.
        for hidden in ["for=1.1.1.1, for=unknown, for=10.0.0.2", "for=1.1.1.1, for=_hidden, for=10.0.0.2"] {
            assert_eq!(client("127.0.0.1", &[hidden]), "10.0.0.2", "{hidden}");
        }
        assert_eq!(client("127.0.0.1", &["for=1.1.1.1, proto=https"]), "127.0.0.1");
        assert_eq!(client("198.51.100.1", &["for=203.0.113.9"]), "198.51.100.1", "nobody else is believed");
    }

    #[test]
    fn nobody_else_is_believed() {
        assert_eq!(client("198.51.100.1", &["203.0.113.9"]), "198.51.100.1");
        assert_eq!(client("127.0.0.1", &["1.1.1.1, junk, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client("127.0.0.1", &["junk"]), "127.0.0.1");
    }
}
