use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use crate::serve::seats::Seat;

/// One connection as its stream, its service and its clock know it together.
///
/// The stream and the service say here what is going on, without a look at the
/// time; the clock reads it after they had their turn.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) peer: SocketAddr,
    pub(super) seat: Seat,
    /// Bodies, coming or going, that are not at their end.
    bodies: AtomicUsize,
    requests: AtomicUsize,
    /// Bytes of answers that were read or made and not sent.
    held: AtomicUsize,
    /// Answers that wait for some of that to be sent.
    waiting: Mutex<Vec<Waker>>,
    is_http2: AtomicBool,
    is_reading_head: AtomicBool,
    owes_answer: AtomicBool,
    is_blocked: AtomicBool,
    written: AtomicUsize,
    ends_soon: AtomicBool,
    is_old: AtomicBool,
    is_closing: AtomicBool,
    lingers: AtomicBool,
    is_cut: AtomicBool,
}

impl Client {
    pub(super) fn new(peer: SocketAddr, seat: Seat) -> Self {
        Self {
            peer,
            seat,
            bodies: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            waiting: Mutex::default(),
            is_http2: AtomicBool::new(false),
            is_reading_head: AtomicBool::new(false),
            owes_answer: AtomicBool::new(false),
            is_blocked: AtomicBool::new(false),
            written: AtomicUsize::new(0),
            ends_soon: AtomicBool::new(false),
            is_old: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            is_cut: AtomicBool::new(false),
        }
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.peer.ip()
    }

    /// Notes that a request has come; it is under way until every copy of what this gives is dropped.
    pub(super) fn begin_request(self: &Arc<Self>) -> UnderWay {
        self.is_reading_head.store(false, Ordering::Relaxed);
        self.owes_answer.store(true, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bodies.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Whether a request, or what it left to be sent or read, is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.bodies.load(Ordering::Acquire) > 0
    }

    /// Notes that so many bytes of an answer are held until they are sent.
    pub(super) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.seat.answers().add(bytes);
    }

    /// Notes that so many bytes were sent, or never will be.
    pub(super) fn let_go(&self, bytes: usize) {
        self.seat.answers().remove(bytes);
        let most = self.seat.answers().per_connection();
        let before = self.held.fetch_sub(bytes, Ordering::AcqRel);
        if before >= most && before - bytes < most {
            let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// Completes when more may be held for this connection.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let most = self.seat.answers().per_connection();
        if self.held.load(Ordering::Acquire) < most {
            return Poll::Ready(());
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(cx.waker().clone());
        // Some may have been sent in between, by somebody who saw nobody wait.
        if self.held.load(Ordering::Acquire) < most { Poll::Ready(()) } else { Poll::Pending }
    }

    /// How many requests there were.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn speaks_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    pub(super) fn set_http2(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
    }

    /// Notes that bytes came; between requests of HTTP/1 they are of the head of the next one.
    pub(super) fn note_read(&self) {
        if !self.speaks_http2() && !self.is_busy() {
            self.is_reading_head.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_reading_head(&self) -> bool {
        self.is_reading_head.load(Ordering::Relaxed)
    }

    /// Whether what is written next is the answer of a service.
    pub(super) fn owes_answer(&self) -> bool {
        self.speaks_http2() || self.owes_answer.load(Ordering::Relaxed)
    }

    /// Notes how much of what is written the network takes, or that it takes nothing.
    pub(super) fn note_write(&self, outcome: &Poll<io::Result<usize>>) {
        self.is_blocked.store(outcome.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(bytes)) = outcome {
            // Only the stream writes, and it is in one place at a time.
            self.written.store(self.written().wrapping_add(*bytes), Ordering::Relaxed);
        }
    }

    /// Notes whether everything there was to write is written.
    pub(super) fn note_flush(&self, is_done: bool) {
        self.is_blocked.store(!is_done, Ordering::Relaxed);
        if is_done && !self.is_busy() {
            self.owes_answer.store(false, Ordering::Relaxed);
        }
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::Relaxed)
    }

    pub(super) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    /// Has the connection end behind what is under way.
    pub(super) fn end_soon(&self) {
        self.ends_soon.store(true, Ordering::Relaxed);
    }

    pub(super) fn ends_soon(&self) -> bool {
        self.ends_soon.load(Ordering::Relaxed)
    }

    /// Has the connection end behind the next answer, and not before somebody asks.
    pub(super) fn grow_old(&self) {
        self.is_old.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_old(&self) -> bool {
        self.is_old.load(Ordering::Relaxed)
    }

    pub(super) fn note_closing(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    /// Has the stream read on behind the last answer: where what a client sent
    /// lies unread as its connection is closed, it may never see that answer.
    pub(super) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    pub(super) fn lingers(&self) -> bool {
        self.lingers.load(Ordering::Relaxed)
    }

    /// Has the connection reset when it is dropped, with all that still waits to be sent.
    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }
}

/// A request that is not done with.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Client>);

impl UnderWay {
    /// Whose request it is.
    pub(super) fn client(&self) -> &Arc<Client> {
        &self.0
    }
}

impl Clone for UnderWay {
    fn clone(&self) -> Self {
        self.0.bodies.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.bodies.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker_ref;

    use super::*;
    use crate::serve::{answers::AnswerMemory, seats::Seats};

    #[test]
    fn the_answers_of_one_connection_wait_for_each_other() {
        let memory = AnswerMemory::new(1000, 100);
        let seats = Arc::new(Seats::new(2, 0).with_answers(memory.clone()));
        let client = || Client::new(([127, 0, 0, 1], 4711).into(), seats.take().expect("a place"));
        let (unread, other) = (client(), client());
        let mut cx = Context::from_waker(noop_waker_ref());
        unread.hold(99);
        assert!(unread.poll_room(&mut cx).is_ready());
        unread.hold(60);
        assert!(unread.poll_room(&mut cx).is_pending() && other.poll_room(&mut cx).is_ready());
        assert_eq!(unread.waiting.lock().expect("lock").len(), 1);
        unread.let_go(60);
        assert!(unread.waiting.lock().expect("lock").is_empty(), "who waited was woken");
        assert!(unread.poll_room(&mut cx).is_ready());
        assert!(!memory.is_full());
    }
}
