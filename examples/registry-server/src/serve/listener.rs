use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

use super::ServeError;
use crate::config::Settings;

/// Listens on the addresses of the settings: all addresses of the host; `::` includes the IPv4
/// addresses.
pub(super) async fn bind(settings: &Settings) -> Result<Vec<TcpListener>, ServeError> {
    let (host, wanted) = (settings.host.0.as_str(), settings.port.0);
    let failed = |error: &io::Error| ServeError::Listen {
        address: if host.contains(':') { format!("[{host}]:{wanted}") } else { format!("{host}:{wanted}") },
        reason: explain(error, wanted),
    };
    let addresses = lookup_host((host, wanted)).await.map_err(|error| failed(&error))?;
    let mut port = wanted;
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut absent = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for mut address in addresses {
        address.set_port(port);
        match listen(address, settings.backlog.0) {
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
    if listeners.is_empty() { Err(failed(&absent)) } else { Ok(listeners) }
}

fn listen(address: SocketAddr, backlog: u16) -> io::Result<TcpListener> {
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
    TcpListener::from_std(socket.into())
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
