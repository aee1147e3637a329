//! A listening socket of either family. Connections of both are served alike.

use std::{
    fmt, io,
    net::{self, Ipv4Addr, SocketAddr},
    os::{
        fd::OwnedFd,
        unix::{self, net::UnixStream},
    },
};

use tokio::net::{TcpListener, UnixListener};

/// Who connects by a Unix socket is on this machine.
const ON_THIS_MACHINE: SocketAddr = SocketAddr::new(net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A listening socket, not blocking.
#[derive(Debug)]
pub(super) enum Listener {
    /// On an address and port.
    Tcp(net::TcpListener),
    /// On a file.
    Unix(unix::net::UnixListener),
}

impl Listener {
    /// Its port; 0 for a Unix socket.
    pub(super) fn port(&self) -> u16 {
        match self {
            Self::Tcp(listener) => listener.local_addr().map_or(0, |address| address.port()),
            Self::Unix(_) => 0,
        }
    }

    /// The next connection that waits, if one does.
    pub(super) fn accept(&self) -> io::Result<(net::TcpStream, SocketAddr)> {
        let (stream, peer) = match self {
            Self::Tcp(listener) => listener.accept()?,
            Self::Unix(listener) => (as_stream(listener.accept()?.0), ON_THIS_MACHINE),
        };
        stream.set_nonblocking(true)?;
        Ok((stream, peer))
    }

    /// The same in the runtime in which this is called.
    pub(super) fn awaited(self) -> io::Result<AwaitedListener> {
        Ok(match self {
            Self::Tcp(listener) => AwaitedListener::Tcp(TcpListener::from_std(listener)?),
            Self::Unix(listener) => AwaitedListener::Unix(UnixListener::from_std(listener)?),
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => address.fmt(f),
                Err(_) => f.write_str("an address"),
            },
            Self::Unix(listener) => {
                let address = listener.local_addr().ok();
                match address.as_ref().and_then(unix::net::SocketAddr::as_pathname) {
                    Some(path) => write!(f, "unix:{}", path.display()),
                    None => f.write_str("a unix socket"),
                }
            }
        }
    }
}

/// A listening socket in a runtime.
#[derive(Debug)]
pub(super) enum AwaitedListener {
    /// On an address and port.
    Tcp(TcpListener),
    /// On a file.
    Unix(UnixListener),
}

impl AwaitedListener {
    /// The next connection, of no runtime yet.
    pub(super) async fn accept(&self) -> io::Result<(net::TcpStream, SocketAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((stream.into_std()?, peer))
            }
            Self::Unix(listener) => Ok((as_stream(listener.accept().await?.0.into_std()?), ON_THIS_MACHINE)),
        }
    }

    /// The same outside of the runtime.
    pub(super) fn into_std(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp(listener) => Listener::Tcp(listener.into_std()?),
            Self::Unix(listener) => Listener::Unix(listener.into_std()?),
        })
    }
}

/// A connection of a Unix socket as the type that everything behind expects. Reading, writing and closing are the same
/// system calls for both; only questions about addresses and TCP fail, and those are not asked.
fn as_stream(stream: UnixStream) -> net::TcpStream {
    OwnedFd::from(stream).into()
}
