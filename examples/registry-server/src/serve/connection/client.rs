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

/// The state of one connection that its stream, service and clock share.
///
/// The stream and the service record here what happens, without reading the time; the clock reads it
/// after they have run.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) peer: SocketAddr,
    pub(super) seat: Seat,
    /// Request and answer bodies that have not ended.
    bodies: AtomicUsize,
    requests: AtomicUsize,
    /// Requests that began and pieces of their bodies that were taken.
    progress: AtomicUsize,
    /// Bytes of answers that are in memory and not sent yet.
    held: AtomicUsize,
    /// Answers that wait until some of these bytes are sent.
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
            progress: AtomicUsize::new(0),
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

    /// Records a new request, which counts as in progress until every clone of the returned value is
    /// dropped.
    pub(super) fn begin_request(self: &Arc<Self>) -> UnderWay {
        self.is_reading_head.store(false, Ordering::Relaxed);
        self.owes_answer.store(true, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.note_progress();
        self.bodies.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Whether a request is in progress, or its bodies are still being read or sent.
    pub(super) fn is_busy(&self) -> bool {
        self.bodies.load(Ordering::Acquire) > 0
    }

    /// Records bytes of an answer that are held until they are sent.
    pub(super) fn hold(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.seat.answers().add(bytes);
    }

    /// Records held bytes as sent or dropped.
    pub(super) fn let_go(&self, bytes: usize) {
        self.seat.answers().remove(bytes);
        let most = self.seat.answers().per_connection();
        let before = self.held.fetch_sub(bytes, Ordering::AcqRel);
        if before >= most && before - bytes < most {
            let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// Completes when this connection may hold more bytes.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let most = self.seat.answers().per_connection();
        if self.held.load(Ordering::Acquire) < most {
            return Poll::Ready(());
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(cx.waker().clone());
        // Check again: bytes may have been released in between, before this waker was registered.
        if self.held.load(Ordering::Acquire) < most { Poll::Ready(()) } else { Poll::Pending }
    }

    /// How many requests there have been.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Records that bytes of the client were of use: a request began, or a piece of its body was taken.
    pub(super) fn note_progress(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was.
    pub(super) fn progress(&self) -> usize {
        self.progress.load(Ordering::Relaxed)
    }

    pub(super) fn speaks_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    pub(super) fn set_http2(&self) {
        self.is_http2.store(true, Ordering::Relaxed);
    }

    /// Records that bytes arrived; between HTTP/1 requests they belong to the head of the next one.
    pub(super) fn note_read(&self) {
        if !self.speaks_http2() && !self.is_busy() {
            self.is_reading_head.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_reading_head(&self) -> bool {
        self.is_reading_head.load(Ordering::Relaxed)
    }

    /// Whether the next bytes written are the answer of the service.
    pub(super) fn owes_answer(&self) -> bool {
        self.speaks_http2() || self.owes_answer.load(Ordering::Relaxed)
    }

    /// Records how many bytes the network accepted, or that it accepted none.
    pub(super) fn note_write(&self, outcome: &Poll<io::Result<usize>>) {
        self.is_blocked.store(outcome.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(bytes)) = outcome {
            // Only the stream writes this, in one task at a time, so a load and a store are enough.
            self.written.store(self.written().wrapping_add(*bytes), Ordering::Relaxed);
        }
    }

    /// Records whether all pending bytes are written.
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

    /// Closes the connection after the requests in progress.
    pub(super) fn end_soon(&self) {
        self.ends_soon.store(true, Ordering::Relaxed);
    }

    pub(super) fn ends_soon(&self) -> bool {
        self.ends_soon.load(Ordering::Relaxed)
    }

    /// Closes the connection after the next answer, but not before a request has come.
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

    /// Keeps reading after the last answer: if data from the client is unread when its connection is
    /// closed, the client may never see that answer.
    pub(super) fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    pub(super) fn lingers(&self) -> bool {
        self.lingers.load(Ordering::Relaxed)
    }

    /// Resets the connection when it is dropped, and discards everything that waits to be sent.
    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }
}

/// A request that has not ended.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Client>);

impl UnderWay {
    /// The connection of the request.
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
