use std::net::SocketAddr;

/// Where the connection of a request comes from; the server puts it into the
/// request's extensions. Without it nobody is limited by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);
