use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket, lookup_host};

use super::ServeError;
use crate::config::Settings;

/// How many connections the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// Listens where the settings say.
pub(super) async fn bind(settings: &Settings) -> Result<TcpListener, ServeError> {
    let (host, port) = (settings.host.0.as_str(), settings.port.0);
    let failed = |error: &io::Error| ServeError::Listen {
        address: if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") },
        reason: explain(error, port),
    };
    let addresses = lookup_host((host, port)).await.map_err(|error| failed(&error))?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(failed(&last))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server started again must not wait for the connections of the last one to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
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
