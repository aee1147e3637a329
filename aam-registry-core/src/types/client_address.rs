use std::net::{IpAddr, Ipv6Addr};

use super::{ShortText, short_ipv4, short_text};

/// The client's address: the peer's, or the one that a trusted proxy names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    pub(crate) fn to_text(self) -> ShortText {
        match self.0 {
            IpAddr::V4(v4) => short_ipv4("", v4),
            IpAddr::V6(v6) => short_text(format_args!("{v6}")),
        }
    }

    /// The largest network that one customer usually has: an IPv4 address, or the /48 of an IPv6
    /// address.
    pub(crate) fn site_key(self) -> ShortText {
        match self.0 {
            IpAddr::V4(v4) => short_ipv4("address:", v4),
            IpAddr::V6(v6) => {
                let network = Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80));
                short_text(format_args!("address:{network}/48"))
            }
        }
    }

    /// The key by which the client is limited: the IPv4 address, or the /64 of an IPv6 address, since
    /// one customer usually has a whole /64.
    pub(crate) fn limit_key(self) -> ShortText {
        match self.0 {
            IpAddr::V4(v4) => short_ipv4("address:", v4),
            IpAddr::V6(v6) => {
                let network = Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX));
                short_text(format_args!("address:{network}/64"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
