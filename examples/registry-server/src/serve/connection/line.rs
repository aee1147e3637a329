use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::watch;

use super::{
    client::Client,
    clock::{Clock, Expired},
    notices::Notice,
    serving::{Serving, timed_out},
};

/// How long a connection must have been idle before it may be closed to make room.
const LONG_IDLE: Duration = Duration::from_secs(1);

/// What happens next on a connection.
#[derive(Debug)]
enum Event<T> {
    /// The awaited event.
    Done(T),
    /// The server has a notice for all connections.
    Told,
    /// A time-out has passed.
    Expired(Expired),
}

/// How serving a connection ended.
#[derive(Debug)]
pub(super) enum Outcome<T> {
    /// It is finished.
    Done(T),
    /// It is idle, and its buffers can be released.
    Rest,
    /// It has to be dropped immediately.
    Drop,
}

/// The inputs of a connection besides its client: the clock and the server's notices.
#[derive(Debug)]
pub(super) struct Line {
    serving: Arc<Serving>,
    client: Arc<Client>,
    clock: Clock,
    notices: watch::Receiver<Notice>,
    heard: usize,
    has_left: bool,
}

impl Line {
    pub(super) fn new(serving: Arc<Serving>, client: Arc<Client>) -> Self {
        let (heard, notices) = (serving.notices.count(), serving.notices.listen());
        let clock = Clock::new(serving.patience);
        Self { serving, client, clock, notices, heard, has_left: false }
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Waits for the first bytes of a client, or for the next ones of an idle connection.
    pub(super) async fn wait<T>(&mut self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Outcome<T> {
        loop {
            match self.next(&mut poll, false).await {
                Event::Done(done) => return Outcome::Done(done),
                Event::Told if !self.must_leave() => {}
                Event::Told => return Outcome::Drop,
                Event::Expired(Expired::Kept) => self.grow_old(),
                Event::Expired(what) => {
                    self.note(what);
                    return Outcome::Drop;
                }
            }
        }
    }

    /// Serves a connection until it ends, or until it is idle and `can_rest`.
    pub(super) async fn serve<C>(&mut self, mut connection: Pin<&mut C>, can_rest: bool) -> Outcome<C::Output>
    where
        C: GracefulConnection,
    {
        loop {
            match self.next(|cx| connection.as_mut().poll(cx), can_rest).await {
                Event::Done(done) => return Outcome::Done(done),
                Event::Told if !self.must_leave() => {}
                Event::Expired(Expired::Rest) => return Outcome::Rest,
                Event::Expired(what @ (Expired::Header | Expired::Write | Expired::Leave)) => {
                    self.note(what);
                    if what == Expired::Write {
                        self.client.cut();
                    }
                    return Outcome::Drop;
                }
                Event::Expired(Expired::Kept) if !self.client.speaks_http2() => self.grow_old(),
                event @ (Event::Told | Event::Expired(Expired::Idle | Expired::Kept)) => {
                    if let Event::Expired(what) = event {
                        self.note(what);
                    }
                    self.has_left = true;
                    self.clock.leave();
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }

    /// Marks the next answer as the last one instead of closing now: a request may be on its way, and
    /// HTTP/1 cannot tell a client that its request was not read.
    fn grow_old(&mut self) {
        self.clock.grow_old();
        self.client.grow_old();
    }

    /// Whether the server wants this connection to end.
    fn must_leave(&mut self) -> bool {
        let notice = *self.notices.borrow_and_update();
        let is_idle = || self.clock.idle_for().is_some_and(|idle| idle >= LONG_IDLE);
        let is_told = match notice {
            Notice::None => false,
            Notice::MakeRoom => is_idle() && self.serving.wants_room(),
            Notice::End => true,
        };
        is_told || self.client.ends_soon()
    }

    async fn next<T>(&mut self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>, can_rest: bool) -> Event<T> {
        let Self { serving, client, clock, notices, heard, has_left } = self;
        let mut told = pin!(notices.changed());
        let mut listens = false;
        poll_fn(|cx| {
            if let Poll::Ready(done) = poll(cx) {
                return Poll::Ready(Event::Done(done));
            }
            // Read the notice only if its counter has changed, since all connections share it.
            let count = serving.notices.count();
            if !listens || *heard != count {
                listens = true;
                if told.as_mut().poll(cx).is_ready() {
                    *heard = count;
                    return Poll::Ready(Event::Told);
                }
            }
            if client.ends_soon() && !*has_left {
                return Poll::Ready(Event::Told);
            }
            clock.poll(cx, client, can_rest).map(Event::Expired)
        })
        .await
    }

    fn note(&self, expired: Expired) {
        if let Some(what) = expired.label() {
            timed_out(what).increment(1);
            tracing::debug!(event = "connection_timed_out", client_ip = %self.client.ip(), what);
        }
    }
}
