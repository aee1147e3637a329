use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::client::Client;
use crate::{config::Settings, serve::answers::AnswerMemory};

/// How many bytes a slowly reading client has to take within the write time-out.
const LEAST_TAKEN: usize = 16 * 1024;
/// How long a connection may live. Certificates and load balancers change, so no connection is kept for
/// ever.
const KEPT: Duration = Duration::from_hours(1);
/// How long a connection is idle before its buffers are released.
const REST_AFTER: Duration = Duration::from_secs(1);
/// How long a client has to close a connection after its last answer.
pub(super) const LEAVE: Duration = Duration::from_secs(3);
/// The maximum of every time-out.
const LONGEST: Duration = Duration::from_hours(24);
/// The time-out for everything on a connection that has no regular seat.
const WITHOUT_PLACE: Duration = Duration::from_secs(5);

/// The time-outs of a connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Patience {
    header: Duration,
    idle: Duration,
    write: Duration,
    kept: Duration,
}

impl Patience {
    pub(in crate::serve) fn of(settings: &Settings) -> Self {
        Self {
            header: settings.header_timeout.0,
            idle: settings.idle_timeout.0,
            write: settings.write_timeout.0,
            kept: KEPT,
        }
    }

    /// The same time-out for everything; a connection is kept for `kept`.
    #[cfg(test)]
    pub(in crate::serve) fn uniform(patience: Duration, kept: Duration) -> Self {
        Self { header: patience, idle: patience, write: patience, kept }
    }

    /// How long this client may take for the head of a request, or a TLS handshake.
    pub(super) fn header(self, client: &Client) -> Duration {
        self.with(client).header
    }

    pub(super) fn write(self) -> Duration {
        self.write
    }

    fn with(self, client: &Client) -> Self {
        let this = Self { write: client.seat.answers().patience(self.write), ..self };
        if client.seat.is_regular() {
            return this;
        }
        Self { header: self.header.min(WITHOUT_PLACE), idle: self.idle.min(WITHOUT_PLACE), ..this }
    }
}

/// The time-out that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// While waiting for the head of a request.
    Header,
    /// While waiting for another request.
    Idle,
    /// While waiting for the client to take what was sent.
    Write,
    /// While waiting for the client to close the connection.
    Leave,
    /// The connection has lived long enough: the next answer is its last.
    Kept,
    /// Nothing has happened for a while: the buffers can be released.
    Rest,
}

impl Expired {
    /// The label under which it is counted as a time-out.
    pub(super) fn label(self) -> Option<&'static str> {
        match self {
            Self::Header => Some("header"),
            Self::Idle => Some("idle"),
            Self::Write => Some("write"),
            Self::Leave | Self::Kept | Self::Rest => None,
        }
    }
}

/// The time-outs of one connection, with a single timer.
///
/// The timer is only ever set to an earlier time. When it fires, the time-outs are computed again. So a
/// request that is answered at once never touches the timer.
#[derive(Debug)]
pub(super) struct Clock {
    patience: Patience,
    timer: Pin<Box<Sleep>>,
    is_set: bool,
    born: Instant,
    requests: usize,
    /// Since when no request is in progress.
    idle: Option<Instant>,
    /// Since when the head of a request is being read.
    head: Option<Instant>,
    /// Since when the network accepts nothing or too little, and how much had been written then.
    blocked: Option<(Instant, usize)>,
    /// When the time allowed to a slow reader was last checked.
    looked: Instant,
    closing: Option<Instant>,
    leaving: Option<Instant>,
    /// Whether the client is told to close the connection with its next answer.
    is_old: bool,
}

impl Clock {
    pub(super) fn new(patience: Patience) -> Self {
        let born = Instant::now();
        Self {
            patience,
            timer: Box::pin(sleep_until(born + LONGEST)),
            is_set: false,
            born,
            requests: 0,
            idle: Some(born),
            head: None,
            blocked: None,
            looked: born,
            closing: None,
            leaving: None,
            is_old: false,
        }
    }

    /// Starts waiting for the client to close the connection.
    pub(super) fn leave(&mut self) {
        self.leaving.get_or_insert_with(Instant::now);
    }

    /// Stops waiting for the maximum age of the connection.
    pub(super) fn grow_old(&mut self) {
        self.is_old = true;
    }

    /// How long no request has been in progress.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        self.idle.map(|since| since.elapsed())
    }

    /// Completes when a time-out has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, client: &Client, can_rest: bool) -> Poll<Expired> {
        self.look(client);
        loop {
            let (at, what) = self.next(client, can_rest);
            // The time allowed to a slow reader may have become shorter.
            let look = if self.blocked.is_some() { at.min(self.looked + AnswerMemory::look_every()) } else { at };
            if look < self.timer.deadline() {
                self.timer.as_mut().reset(look);
                self.is_set = false;
            }
            if self.is_set && !self.timer.is_elapsed() {
                return Poll::Pending;
            }
            self.is_set = true;
            ready!(self.timer.as_mut().poll(cx));
            if at <= self.timer.deadline() {
                return Poll::Ready(what);
            }
            self.looked = Instant::now();
            self.timer.as_mut().reset(at);
            self.is_set = false;
        }
    }

    /// Updates the times at which the current activities began.
    fn look(&mut self, client: &Client) {
        let requests = client.requests();
        if client.is_busy() {
            self.idle = None;
        } else if self.idle.is_none() || self.requests != requests {
            self.idle = Some(Instant::now());
        }
        self.requests = requests;
        begin_where(&mut self.head, client.is_reading_head());
        begin_where(&mut self.closing, client.is_closing());
        if !client.is_blocked() {
            self.blocked = None;
        } else if self.blocked.is_none_or(|(_, then)| client.written().wrapping_sub(then) >= LEAST_TAKEN) {
            self.looked = Instant::now();
            self.blocked = Some((self.looked, client.written()));
        }
    }

    /// The time-out that passes next, and when.
    fn next(&self, client: &Client, can_rest: bool) -> (Instant, Expired) {
        let patience = self.patience.with(client);
        let mut next = match self.leaving {
            Some(since) => (since + LONGEST, Expired::Leave),
            None if self.is_old => (self.born + patience.kept + LONGEST, Expired::Leave),
            None => (self.born + patience.kept, Expired::Kept),
        };
        let mut or = |since: Instant, patience: Duration, what: Expired| {
            let at = since + patience;
            if at < next.0 {
                next = (at, what);
            }
        };
        if let Some(since) = self.closing {
            or(since, LEAVE, Expired::Leave);
        }
        if let Some((since, _)) = self.blocked {
            or(since, patience.write, Expired::Write);
        }
        let Some(idle) = self.idle else { return next };
        if let Some(leaving) = self.leaving {
            or(leaving.max(idle), LEAVE, Expired::Leave);
        } else if let Some(since) = self.head {
            or(since, patience.header, Expired::Header);
        } else if self.requests == 0 {
            or(self.born, patience.header, Expired::Header);
        } else {
            or(idle, patience.idle, Expired::Idle);
            if can_rest && self.closing.is_none() && self.blocked.is_none() && !client.owes_answer() {
                or(idle, REST_AFTER, Expired::Rest);
            }
        }
        next
    }
}

fn begin_where(since: &mut Option<Instant>, is_so: bool) {
    if !is_so {
        *since = None;
    } else if since.is_none() {
        *since = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::task::noop_waker_ref;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::sleep,
    };

    use super::*;
    use crate::serve::{in_memory, seats::Seats};

    const PATIENCE: Duration = Duration::from_secs(2);

    /// Whether a client that takes `bytes` ten times a second is disconnected.
    async fn is_given_up(bytes: usize) -> bool {
        let seat = Arc::new(Seats::new(1, 0)).take().expect("a place");
        let client = Arc::new(Client::new(([127, 0, 0, 1], 4711).into(), seat));
        let _under_way = client.begin_request();
        let mut clock = Clock::new(Patience::uniform(PATIENCE, KEPT));
        for _ in 0..40 {
            client.note_write(&Poll::Ready(Ok(bytes)));
            client.note_write(&Poll::Pending);
            match clock.poll(&mut Context::from_waker(noop_waker_ref()), &client, true) {
                Poll::Ready(what) => return what == Expired::Write,
                Poll::Pending => sleep(Duration::from_millis(100)).await,
            }
        }
        false
    }

    #[tokio::test]
    async fn a_little_now_and_then_is_not_enough() {
        let (little, enough) = tokio::join!(is_given_up(100), is_given_up(LEAST_TAKEN / 4));
        assert!(little && !enough);
    }

    #[test]
    fn who_has_no_place_may_not_take_long_over_a_handshake() {
        let seats = Arc::new(Seats::new(1, 1));
        let client = || Client::new(([127, 0, 0, 1], 4711).into(), seats.take().expect("a place"));
        let (regular, spare) = (client(), client());
        let patience = Patience::uniform(Duration::from_mins(1), KEPT);
        assert_eq!(patience.header(&regular), Duration::from_mins(1));
        assert_eq!(patience.header(&spare), WITHOUT_PLACE);
    }

    #[tokio::test]
    async fn an_old_connection_ends_behind_an_answer_and_not_before() {
        let seats = Arc::new(Seats::new(1, 0));
        let serving = in_memory::serving(&seats, Patience::uniform(Duration::from_mins(1), Duration::ZERO));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (stream, peer) = listener.accept().await.expect("accepted");
        let connection = tokio::spawn(serving.connection(stream, peer, seats.take().expect("a place")));
        // Long enough for the connection to reach its maximum age before the first request.
        sleep(Duration::from_millis(50)).await;
        client.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("answered and closed");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close\r\n"), "{answer}");
        connection.await.expect("it ends");
    }
}
