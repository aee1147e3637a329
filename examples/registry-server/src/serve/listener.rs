//! What the server listens on: addresses of this machine, a Unix socket, or what a supervisor hands over.

use std::{
    fmt, io,
    net::{self, SocketAddr},
};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::lookup_host;

use super::{
    ServeError,
    socket_file::{self, SocketFile},
    socket_listener::Listener,
};
use crate::config::{ListenOn, Settings};

/// Everything that the server listens on.
#[derive(Debug)]
pub(super) struct Listeners {
    /// The sockets; at least one.
    pub(super) sockets: Vec<Listener>,
    /// The port of the first, for links; 0 for a Unix socket.
    pub(super) port: u16,
    /// What is logged as the address.
    pub(super) address: String,
    /// Removed when this is dropped.
    pub(super) file: Option<SocketFile>,
}

impl Listeners {
    fn of(sockets: Vec<Listener>, file: Option<SocketFile>) -> Result<Self, ServeError> {
        let first = sockets.first().ok_or_else(|| failed("the sockets of LISTEN_FDS", "there are none".to_owned()))?;
        let (port, address) = (first.port(), first.to_string());
        Ok(Self { sockets, port, address, file })
    }
}

/// Listens on the sockets that a supervisor such as systemd hands over, or else on what the settings say: a Unix socket,
/// or all addresses of the host, where `::` includes the IPv4 addresses.
pub(super) async fn bind(settings: &Settings) -> Result<Listeners, ServeError> {
    let handed_over = inherited()?;
    if !handed_over.is_empty() {
        let listeners = Listeners::of(handed_over, None)?;
        tracing::info!(
            event = "sockets_inherited",
            address = listeners.address,
            "HOST and PORT are not used: a supervisor handed over what to listen on"
        );
        return Ok(listeners);
    }
    match &settings.host {
        ListenOn::Address(host) => on_addresses(&host.0, settings.port.0, settings.backlog.0).await,
        ListenOn::Unix(path) => {
            let (listener, file) = socket_file::bind(path, settings.socket_mode.0, settings.backlog.0)
                .map_err(|error| failed(&format!("unix:{}", path.display()), socket_file::explain(&error)))?;
            Listeners::of(vec![Listener::Unix(listener)], Some(file))
        }
    }
}

/// The sockets of `LISTEN_FDS`, if they are for this process (`sd_listen_fds(3)`).
fn inherited() -> Result<Vec<Listener>, ServeError> {
    let mut descriptors = ListenFd::from_env();
    let mut sockets = Vec::new();
    for at in 0..descriptors.len() {
        let taken = match descriptors.take_tcp_listener(at) {
            Ok(Some(listener)) => listener.set_nonblocking(true).map(|()| Some(Listener::Tcp(listener))),
            Ok(None) => Ok(None),
            Err(_) => descriptors.take_unix_listener(at).and_then(|listener| {
                let Some(listener) = listener else { return Ok(None) };
                listener.set_nonblocking(true).map(|()| Some(Listener::Unix(listener)))
            }),
        };
        let taken = taken.map_err(|error| {
            let reason =
                format!("socket {at} is no stream socket that listens ({error}): use ListenStream= in the unit");
            failed("the sockets of LISTEN_FDS", reason)
        })?;
        sockets.extend(taken);
    }
    Ok(sockets)
}

async fn on_addresses(host: &str, wanted: u16, backlog: u16) -> Result<Listeners, ServeError> {
    let name = if host.contains(':') { format!("[{host}]:{wanted}") } else { format!("{host}:{wanted}") };
    let failed = |error: &io::Error| failed(&name, explain(error, wanted));
    let addresses = lookup_host((host, wanted)).await.map_err(|error| failed(&error))?;
    let mut port = wanted;
    let mut listeners: Vec<net::TcpListener> = Vec::new();
    let mut absent = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for mut address in addresses {
        address.set_port(port);
        match listen(address, backlog) {
            Ok(listener) => {
                // If the port is 0, use the free port of the first address for the others too.
                port = listener.local_addr().map_err(|error| failed(&error))?.port();
                listeners.push(listener);
            }
            // `localhost` resolves to ::1 even without IPv6, and may resolve to the same address twice.
            Err(error) if is_absent(&error) => absent = error,
            Err(_) if listeners.iter().any(|listener| listener.local_addr().is_ok_and(|taken| taken == address)) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    if listeners.is_empty() {
        return Err(failed(&absent));
    }
    Listeners::of(listeners.into_iter().map(Listener::Tcp).collect(), None)
}

fn listen(address: SocketAddr, backlog: u16) -> io::Result<net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted server must not wait until the connections of its predecessor have timed out.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // The default differs between systems: `::` has to accept IPv4 too, other addresses only their
        // own.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog.into())?;
    Ok(socket.into())
}

fn failed(address: &(impl fmt::Display + ?Sized), reason: String) -> ServeError {
    ServeError::Listen { address: address.to_string(), reason }
}

/// Whether the machine does not have the address at all.
fn is_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, Unsupported};
    matches!(error.kind(), AddrNotAvailable | Unsupported)
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn explain(error: &io::Error, port: u16) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let other = port.checked_add(1).unwrap_or(8000);
            format!("the port is in use; stop what listens there, or take another one with --port {other}")
        }
        io::ErrorKind::PermissionDenied => {
            "not permitted; ports below 1024 need privileges, --port 8000 does not".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; --host 0.0.0.0 takes all it has".to_owned()
        }
        _ => error.to_string(),
    }
}
