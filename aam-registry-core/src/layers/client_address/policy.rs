use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::layers::ShortText;

/// The client's address: the peer's, or the one that a trusted proxy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    pub(crate) fn to_text(self) -> ShortText {
        match self.0 {
            IpAddr::V4(v4) => ShortText::of_ipv4("", v4),
            IpAddr::V6(v6) => ShortText::of(format_args!("{v6}")),
        }
    }

    /// The largest network that one customer usually has: an IPv4 address, or the /48 of an IPv6
    /// address.
    pub(crate) fn site_key(self) -> ShortText {
        match self.0 {
            IpAddr::V4(v4) => ShortText::of_ipv4("address:", v4),
            IpAddr::V6(v6) => {
                let network = Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80));
                ShortText::of(format_args!("address:{network}/48"))
            }
        }
    }

    /// The key by which the client is limited: the IPv4 address, or the /64 of an IPv6 address, since
    /// one customer usually has a whole /64.
    pub(crate) fn limit_key(self) -> ShortText {
        match self.0 {
            IpAddr::V4(v4) => ShortText::of_ipv4("address:", v4),
            IpAddr::V6(v6) => {
                let network = Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX));
                ShortText::of(format_args!("address:{network}/64"))
            }
        }
    }
}

/// Which proxies are trusted to name a client's address, and in which header.
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
        for hop in values.iter().flat_map(|value| value.split(',')).rev() {
            // No trusted proxy has checked what is to the left of an address that cannot be parsed.
            let Some(address) = hop_address(hop) else { break };
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

/// The address of one hop; some proxies add a port or brackets.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
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
    fn nobody_else_is_believed() {
        assert_eq!(client("198.51.100.1", &["203.0.113.9"]), "198.51.100.1");
        assert_eq!(client("127.0.0.1", &["1.1.1.1, junk, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client("127.0.0.1", &["junk"]), "127.0.0.1");
    }

    #[test]
    fn an_ipv6_client_is_limited_by_its_network() {
        let key = |text: &str| ClientAddress(text.parse().expect("address")).limit_key().as_str().to_owned();
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "address:2001:db8:1:2::/64");
        assert_eq!(key("2001:db8:1:2::9"), key("2001:db8:1:2:3:4:5:6"));
        assert_eq!(key("2001:db8:1111:2222::"), "address:2001:db8:1111:2222::/64");
        assert_eq!(key("192.0.2.1"), "address:192.0.2.1");
        for address in ["192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8:1:2:3:4:5:6"] {
            assert_eq!(ClientAddress(address.parse().expect("address")).to_text().as_str(), address);
        }
    }
}
