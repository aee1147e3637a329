use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Networks that are not of the public internet, though their addresses look so.
static SPECIAL: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    [
        // IANA's registry of special-purpose IPv4 addresses: this host, private, shared (CGNAT), loopback,
        // link-local (with the metadata service of most clouds), protocols, documentation, benchmarks,
        // multicast, reserved, broadcast.
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        // The platform service of Azure, which answers on a public address.
        "168.63.129.16/32",
        // Teredo, benchmarks and ORCHID, documentation, 6to4, documentation.
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    ]
    .iter()
    .map(|network| network.parse().expect("a network"))
    .collect()
});

/// Where IPv6 has public addresses at all. Outside of it are loopback, link-local, unique-local,
/// multicast, IPv4-mapped and NAT64 addresses.
static PUBLIC_V6: LazyLock<IpNet> = LazyLock::new(|| "2000::/3".parse().expect("a network"));

/// Networks that may be called though they are not public.
#[derive(Clone, Debug, Default)]
pub struct AllowedNetworks(Vec<IpNet>);

impl AllowedNetworks {
    /// These networks.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self(networks.into_iter().collect())
    }

    /// Every network, for addresses that the operator chose.
    pub fn all() -> Self {
        Self::new([IpNet::from(Ipv4Net::default()), Ipv6Net::default().into()])
    }

    /// Whether `host` may have an address that may be called, as far as the text tells: an IP address is on one
    /// network, and `localhost` is this machine; of other names nothing is known before they are looked up.
    pub fn may_include(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let is_this_machine = host == "localhost" || host.ends_with(".localhost");
        match host.parse::<IpAddr>() {
            Ok(address) => self.admit(address),
            Err(_) if is_this_machine => {
                self.admit(Ipv4Addr::LOCALHOST.into()) || self.admit(Ipv6Addr::LOCALHOST.into())
            }
            Err(_) => true,
        }
    }

    /// Whether `address` may be called.
    pub(crate) fn admit(&self, address: IpAddr) -> bool {
        let is_special = SPECIAL.iter().any(|network| network.contains(&address));
        let is_public = !is_special && (address.is_ipv4() || PUBLIC_V6.contains(&address));
        is_public
            || self.0.iter().any(|network| network.contains(&address) || network.contains(&address.to_canonical()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(allowed: &AllowedNetworks, address: &str) -> bool {
        allowed.admit(address.parse().expect("an address"))
    }

    #[test]
    fn only_public_addresses_are_called() {
        let none = AllowedNetworks::default();
        for public in ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.255.255", "2606:4700::1111"] {
            assert!(admits(&none, public), "{public}");
        }
        for other in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "fec0::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
        ] {
            assert!(!admits(&none, other), "{other}");
        }
    }

    #[test]
    fn some_hosts_say_where_they_are() {
        let none = AllowedNetworks::default();
        for inside in ["10.0.0.1", "[::1]", "::1", "localhost", "a.localhost", "localhost."] {
            assert!(!none.may_include(inside), "{inside}");
            assert!(AllowedNetworks::all().may_include(inside), "{inside}");
        }
        for unknown in ["hooks.example", "1.1.1.1", "mylocalhost", "127-0-0-1.example"] {
            assert!(none.may_include(unknown), "{unknown}");
        }
    }

    #[test]
    fn all_networks_are_all() {
        for address in ["127.0.0.1", "1.1.1.1", "::1", "::ffff:10.0.0.1", "fd00::1"] {
            assert!(admits(&AllowedNetworks::all(), address), "{address}");
        }
    }

    #[test]
    fn the_operator_allows_networks() {
        let allowed = ["10.1.0.0/16", "fd00::/8"].map(|network| network.parse().expect("a network"));
        let allowed = AllowedNetworks::new(allowed);
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "1.1.1.1"] {
            assert!(admits(&allowed, address), "{address}");
        }
        for address in ["10.2.0.1", "127.0.0.1", "fc00::1", "169.254.169.254"] {
            assert!(!admits(&allowed, address), "{address}");
        }
    }
}
