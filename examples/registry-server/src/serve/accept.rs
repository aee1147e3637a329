use std::{
    future::Future,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::Counter;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{self, Instant},
};

use super::{
    connection::{Serving, overloaded},
    seats::{Seat, Seats},
};

/// How long to wait where the system has no file descriptor or no memory left.
const PAUSE: Duration = Duration::from_millis(100);
/// How many idle connections are to give up their descriptors there.
const ROOM_FOR_FILES: usize = 64;
/// How often idle connections are asked to make room.
const MAKE_ROOM_EVERY: Duration = Duration::from_secs(1);
/// How often the same trouble is told.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// Accepts connections, as many as there may be.
#[derive(Debug)]
pub(super) struct Accepting {
    serving: Arc<Serving>,
    seats: Arc<Seats>,
    speaks_tls: bool,
    crowd: Mutex<Crowd>,
    turned_away: Counter,
}

/// When something was last done about there being too many.
#[derive(Debug, Default)]
struct Crowd {
    made_room: Option<Instant>,
    warned: Option<Instant>,
    failed: Option<Instant>,
}

impl Accepting {
    pub(super) fn new(serving: Arc<Serving>, seats: Arc<Seats>, speaks_tls: bool) -> Self {
        let turned_away = metrics::counter!("aam_connections_refused_total", "reason" => "flood");
        Self { serving, seats, speaks_tls, crowd: Mutex::default(), turned_away }
    }

    /// Accepts until `stop` completes, and then whoever still waits.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = listener.accept() => accepted,
                () = &mut stop => return,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if is_due(&mut self.crowd().failed, WARN_EVERY) {
                        tracing::error!(event = "accept_failed", %error, "connections wait to be accepted");
                    }
                    self.make_room(ROOM_FOR_FILES);
                    time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let seat = self.seats.take();
        if !seat.as_ref().is_some_and(Seat::is_regular) {
            self.warn();
        }
        let missing = self.seats.missing();
        if missing > 0 {
            self.make_room(missing);
        }
        if let Some(seat) = seat {
            tokio::spawn(self.serving.connection(stream, peer, seat));
            return;
        }
        self.turned_away.increment(1);
        if !self.speaks_tls {
            let _ = turn_away(stream);
        }
    }

    /// Asks so many idle connections to end for those who come next.
    fn make_room(&self, places: usize) {
        if is_due(&mut self.crowd().made_room, MAKE_ROOM_EVERY) {
            self.serving.make_room(places);
        }
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warn(&self) {
        if is_due(&mut self.crowd().warned, WARN_EVERY) {
            tracing::warn!(
                event = "connections_exhausted",
                max_connections = self.seats.regular(),
                "there are as many connections as MAX_CONNECTIONS allows; more are refused"
            );
        }
    }
}

/// Whether it is time again for what was done `last`; notes that it is done now.
fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let is_due = last.is_none_or(|last| last.elapsed() >= every);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

/// Tells somebody whom nobody has time to listen to that there is no place.
fn turn_away(stream: TcpStream) -> io::Result<()> {
    // Straight to the system, which has room for so little and is not waited for.
    let mut stream = stream.into_std()?;
    stream.write_all(overloaded().as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    // A request that lies unread as the connection is closed has the system discard the answer.
    stream.read(&mut [0; 8 * 1024]).map(drop)
}

/// Whether only the connection that was to be accepted failed.
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
