use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aam_registry_core::types::ClientNetwork;
use ipnet::IpNet;

/// Counts the connections of each network, except those of trusted proxies, which carry the requests of
/// many clients.
#[derive(Debug)]
pub(super) struct Networks {
    /// The most connections of a network; `None` for no limit.
    most: Option<usize>,
    trusted: Vec<IpNet>,
    open: Mutex<HashMap<ClientNetwork, usize>>,
}

/// The network has as many connections as it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// A counted connection, until this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    networks: Arc<Networks>,
    network: ClientNetwork,
}

impl Networks {
    /// At most `most` connections for each network, 0 for no limit.
    pub(super) fn new(most: usize, trusted: Vec<IpNet>) -> Self {
        Self { most: (most > 0).then_some(most), trusted, open: Mutex::default() }
    }

    /// Counts a connection from `peer`, unless it is a trusted proxy.
    pub(super) fn count(self: &Arc<Self>, peer: IpAddr) -> Result<Option<Counted>, TooMany> {
        let peer = peer.to_canonical();
        let Some(most) = self.most.filter(|_| !self.trusted.iter().any(|network| network.contains(&peer))) else {
            return Ok(None);
        };
        let network = ClientNetwork::from(peer);
        let mut open = self.open();
        let connections = open.entry(network).or_default();
        if *connections >= most {
            return Err(TooMany);
        }
        *connections += 1;
        Ok(Some(Counted { networks: Arc::clone(self), network }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ClientNetwork, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.networks.open();
        if let Some(connections) = open.get_mut(&self.network) {
            *connections -= 1;
            if *connections == 0 {
                open.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_has_no_more_connections_than_it_may() {
        let networks = Arc::new(Networks::new(2, vec!["10.0.0.0/8".parse().expect("a network")]));
        let first = networks.count(address("2001:db8::1")).expect("room");
        let second = networks.count(address("2001:db8::2")).expect("room");
        assert_eq!(networks.count(address("2001:db8::3")).expect_err("full"), TooMany);
        let other = networks.count(address("2001:db8:0:1::1")).expect("another /64");
        drop(first);
        let again = networks.count(address("2001:db8::3")).expect("room again");
        for _ in 0..5 {
            assert!(networks.count(address("::ffff:10.0.0.1")).expect("a proxy").is_none());
        }
        drop((again, second, other));
        assert!(networks.open().is_empty(), "who has gone is forgotten");
    }

    #[test]
    fn nobody_is_counted_where_there_is_no_limit() {
        let networks = Arc::new(Networks::new(0, Vec::new()));
        assert!(networks.count(address("192.0.2.1")).expect("room").is_none());
    }
}
