use std::{
    future::Future,
    io::{self, Read, Write},
    net::{self, Shutdown, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use metrics::Counter;
use tokio::{
    net::TcpStream,
    runtime::{Builder, Handle},
    sync::oneshot,
    time::{self, Instant},
};

use super::{
    connection::{Serving, crowded, overloaded},
    networks::Networks,
    seats::{Seat, Seats},
    socket_listener::{AwaitedListener, Listener},
};

/// How long to wait when the system has no file descriptors or memory left.
const PAUSE: Duration = Duration::from_millis(100);
/// How many idle connections are then asked to close, to free their file descriptors.
const ROOM_FOR_FILES: usize = 64;
/// How often idle connections are asked to make room.
const MAKE_ROOM_EVERY: Duration = Duration::from_secs(1);
/// How often the same warning may be logged.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// Accepts connections, up to the limit.
#[derive(Debug)]
pub(super) struct Accepting {
    serving: Arc<Serving>,
    /// The runtime that serves the connections.
    workers: Handle,
    seats: Arc<Seats>,
    networks: Arc<Networks>,
    backlog: u16,
    speaks_tls: bool,
    crowd: Mutex<Crowd>,
    turned_away: Counter,
    of_one_address: Counter,
}

/// When the server last reacted to too many connections.
#[derive(Debug, Default)]
struct Crowd {
    made_room: Option<Instant>,
    warned: Option<Instant>,
    warned_of_address: Option<Instant>,
    failed: Option<Instant>,
}

impl Accepting {
    /// Connections will be served by the runtime in which this is called.
    pub(super) fn new(
        serving: Arc<Serving>,
        seats: Arc<Seats>,
        networks: Networks,
        backlog: u16,
        speaks_tls: bool,
    ) -> Self {
        let refused = |reason| metrics::counter!("aam_connections_refused_total", "reason" => reason);
        Self {
            serving,
            workers: Handle::current(),
            seats,
            networks: Arc::new(networks),
            backlog,
            speaks_tls,
            crowd: Mutex::default(),
            turned_away: refused("flood"),
            of_one_address: refused("address"),
        }
    }

    /// Accepts on a thread of its own: the system's queue of new connections is short, and a client whose connection
    /// finds no room in it tries again only after seconds. So they are taken out of it, and refused where an address has
    /// too many, however busy the workers are. The future that this gives completes when accepting has ended.
    ///
    /// # Errors
    /// If the system gives no thread, or takes the listener back.
    pub(super) fn accept_apart(
        self: Arc<Self>,
        listener: Listener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (ended, end) = oneshot::channel::<()>();
        let accept = move || {
            // Dropped when accepting ends, also by a panic, which completes `end`.
            let _ended = ended;
            runtime.block_on(async {
                match listener.awaited() {
                    Ok(listener) => self.accept(listener, stop).await,
                    Err(error) => tracing::error!(event = "accept_failed", %error, "connections cannot be accepted"),
                }
            });
        };
        thread::Builder::new().name("accept".to_owned()).spawn(accept)?;
        Ok(async { drop(end.await) })
    }

    /// Accepts until `stop` completes, and then the connections that are still waiting.
    pub(super) async fn accept(self: Arc<Self>, listener: AwaitedListener, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                // Check `stop` first, or an endless stream of new connections would keep it from being
                // noticed.
                biased;
                () = &mut stop => return self.admit_waiting(listener),
                accepted = listener.accept() => accepted,
            };
            match accepted {
                // The workers' runtime has to wait for it, not the one that accepted it.
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if is_due(&mut self.crowd().failed, WARN_EVERY) {
                        tracing::error!(event = "accept_failed", %error, "connections could not be accepted");
                    }
                    self.make_room(ROOM_FOR_FILES);
                    time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Admits the connections that the system has already accepted, up to the length of its queue.
    fn admit_waiting(&self, listener: AwaitedListener) {
        // Ask the system directly: the runtime may not have noticed the latest connections yet.
        let Ok(listener) = listener.into_std() else { return };
        for _ in 0..=self.backlog {
            match listener.accept() {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) if is_of_one_connection(&error) => {}
                Err(_) => return,
            }
        }
    }

    fn admit(&self, stream: net::TcpStream, peer: SocketAddr) {
        let Ok(counted) = self.networks.count(peer.ip()) else {
            self.of_one_address.increment(1);
            self.warn_of(peer);
            if !self.speaks_tls {
                let _ = turn_away(stream, &crowded());
            }
            return;
        };
        let seat = self.seats.take().map(|seat| seat.counted(counted));
        if !seat.as_ref().is_some_and(Seat::is_regular) {
            self.warn();
        }
        let missing = self.seats.missing();
        if missing > 0 {
            self.make_room(missing);
        }
        if let Some(seat) = seat {
            let entered = self.workers.enter();
            match TcpStream::from_std(stream) {
                Ok(stream) => drop(self.workers.spawn(self.serving.connection(stream, peer, seat))),
                Err(error) => tracing::debug!(event = "accept_failed", %error, "a connection was lost"),
            }
            drop(entered);
            return;
        }
        self.turned_away.increment(1);
        if !self.speaks_tls {
            let _ = turn_away(stream, &overloaded());
        }
    }

    /// Asks `places` idle connections to close, so that new ones can be accepted.
    fn make_room(&self, places: usize) {
        if is_due(&mut self.crowd().made_room, MAKE_ROOM_EVERY) {
            self.serving.make_room(places);
        }
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warn_of(&self, peer: SocketAddr) {
        if is_due(&mut self.crowd().warned_of_address, WARN_EVERY) {
            tracing::warn!(
                event = "address_crowded",
                client_ip = %peer.ip(),
                "an address has reached MAX_CONNECTIONS_PER_ADDRESS; further connections are refused"
            );
        }
    }

    fn warn(&self) {
        if is_due(&mut self.crowd().warned, WARN_EVERY) {
            tracing::warn!(
                event = "connections_exhausted",
                max_connections = self.seats.regular(),
                "MAX_CONNECTIONS is reached; further connections are refused"
            );
        }
    }
}

/// Whether `every` has passed since `last`; if so, sets `last` to now.
fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let is_due = last.is_none_or(|last| last.elapsed() >= every);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

/// Sends a refusal to a connection when not even a spare seat is left to read its request.
fn turn_away(mut stream: net::TcpStream, answer: &str) -> io::Result<()> {
    // Written directly to the socket: so little always fits into the system's buffer, so nothing has to
    // wait.
    stream.write_all(answer.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    // Read the request: if it is unread when the connection is closed, the system discards the answer.
    stream.read(&mut [0; 8 * 1024]).map(drop)
}

/// Whether the error concerns only the connection being accepted, not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable, TimedOut,
    };
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | TimedOut
    )
}

#[cfg(test)]
mod tests {
    use std::{future::ready, sync::mpsc};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::serve::{connection::Patience, in_memory};

    /// How many of `clients` waiting connections a stopping server still serves.
    async fn served(clients: usize, backlog: u16) -> usize {
        let minute = Duration::from_mins(1);
        let seats = Arc::new(Seats::new(100, 0));
        let serving = in_memory::serving(&seats, Patience::uniform(minute, minute));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut waiting = Vec::new();
        for _ in 0..clients {
            let mut client = TcpStream::connect(address).await.expect("connected");
            client.write_all(b"GET /health HTTP/1.0\r\n\r\n").await.expect("sent");
            waiting.push(client);
        }
        Arc::new(Accepting::new(serving, seats, Networks::new(0, Vec::new()), backlog, false))
            .accept(AwaitedListener::Tcp(listener), ready(()))
            .await;
        let mut served = 0;
        for mut client in waiting {
            let mut answer = Vec::new();
            served += usize::from(client.read_to_end(&mut answer).await.is_ok() && !answer.is_empty());
        }
        served
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn an_address_with_too_many_connections_is_refused_while_every_worker_is_busy() {
        let minute = Duration::from_mins(1);
        let seats = Arc::new(Seats::new(100, 0));
        let serving = in_memory::serving(&seats, Patience::uniform(minute, minute));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let accepting = Arc::new(Accepting::new(serving, seats, Networks::new(1, Vec::new()), 100, false));
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = accepting
            .accept_apart(Listener::Tcp(listener.into_std().expect("its own")), async { drop(stopped.await) })
            .expect("a thread");

        let ((is_busy, busy), (go_on, wait)) = (mpsc::channel(), mpsc::channel::<()>());
        let work = tokio::spawn(async move {
            let _ = is_busy.send(());
            let _ = wait.recv();
        });
        busy.recv().expect("the only worker is busy");
        let _first = net::TcpStream::connect(address).expect("connected");
        let mut second = net::TcpStream::connect(address).expect("connected");
        second.write_all(b"GET /health HTTP/1.0\r\n\r\n").expect("sent");
        second.set_read_timeout(Some(minute)).expect("set");
        let mut answer = String::new();
        second.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");

        drop((go_on, stop));
        work.await.expect("not cancelled");
        ended.await;
    }

    #[tokio::test]
    async fn at_the_end_those_who_wait_are_served_and_no_more_than_may_wait() {
        assert_eq!(served(20, 100).await, 20);
        assert_eq!(served(20, 4).await, 5);
    }
}
