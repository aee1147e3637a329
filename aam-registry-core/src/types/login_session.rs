//! Login sessions as they are listed, and the places that users log in from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

use crate::types::UserId;

/// The most characters of a client's name that are kept.
const MAX_AGENT: usize = 128;

/// Where somebody logs in from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginClient {
    /// The address, if it is known.
    pub address: Option<IpAddr>,
    /// What the client calls itself, such as `aam/0.2.0`.
    pub agent: Option<String>,
}

impl LoginClient {
    /// A client at that address that calls itself `agent`, of which the first 128 characters are kept.
    pub fn new(address: Option<IpAddr>, agent: Option<&str>) -> Self {
        let agent = agent.map(|agent| agent.trim().chars().filter(|c| !c.is_control()).take(MAX_AGENT).collect());
        Self {
            address: address.map(|address| address.to_canonical()),
            agent: agent.filter(|agent: &String| !agent.is_empty()),
        }
    }

    /// The place, by which a login from somewhere new is noticed: the /24 network of an IPv4 address or
    /// the /48 network of an IPv6 address, and the client's name without its version.
    pub fn place(&self) -> String {
        let network = match self.address {
            Some(IpAddr::V4(v4)) => format!("{}/24", Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
            Some(IpAddr::V6(v6)) => format!("{}/48", Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
            None => "unknown".to_owned(),
        };
        let name = self.agent.as_deref().and_then(|agent| agent.split(['/', ' ']).next()).unwrap_or_default();
        format!("{network} {}", name.to_lowercase())
    }
}

/// A login session as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSession {
    /// Its id, the JWT's `jti`; not a secret.
    pub id: String,
    /// Whose it is.
    pub user: UserId,
    /// The [generation](crate::ports::Session::generation) of the session.
    pub generation: u64,
    /// Where it began.
    pub client: LoginClient,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, which may lag behind by two minutes.
    pub last_seen_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl LoginSession {
    /// How long after its end a session is remembered, so that a login from its place is not taken
    /// for one from somewhere new.
    pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_network_and_the_name_of_a_client() {
        let place = |address: &str, agent| LoginClient::new(address.parse().ok(), agent).place();
        assert_eq!(place("192.0.2.77", Some("aam/0.2.0 (linux)")), "192.0.2.0/24 aam");
        assert_eq!(place("::ffff:192.0.2.1", Some("AAM/0.3.0")), "192.0.2.0/24 aam");
        assert_eq!(place("2001:db8:1:2::9", None), "2001:db8:1::/48 ");
        assert_eq!(place("", Some("curl/8")), "unknown curl");
        assert_eq!(LoginClient::new(None, Some(" \u{7} ")).agent, None);
    }
}
