use std::net::SocketAddr;

/// The address of the client's end of the connection. The server adds it to the request's extensions;
/// without it no request is limited by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);
