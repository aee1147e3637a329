use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::Executor;
use metrics::Counter;
use pin_project_lite::pin_project;
use tokio::{
    task::futures::TaskLocalFuture,
    time::{Instant, Sleep, sleep_until},
};

use crate::serve::answers::AnswerMemory;

tokio::task_local! {
    static CURRENT: Arc<Pace>;
}

/// How fast the client of one HTTP/2 stream reads its answer.
///
/// A slow reader of HTTP/2 does not slow down the network connection: it stops granting flow-control
/// credit to single streams while the connection stays alive. So each stream is tracked separately.
#[derive(Debug, Default)]
pub(super) struct Pace {
    given: AtomicUsize,
    /// Whether the last piece was passed on and no further one was requested.
    is_waiting: AtomicBool,
}

impl Pace {
    /// The pace of the stream whose request is being served.
    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Records that the next piece is requested: the previous one could be sent.
    pub(super) fn ask(&self) {
        self.is_waiting.store(false, Ordering::Relaxed);
    }

    /// Records that a piece is passed on.
    pub(super) fn give(&self) {
        self.given.fetch_add(1, Ordering::Relaxed);
        self.is_waiting.store(true, Ordering::Relaxed);
    }

    /// The number of the piece that the client has to take before the next one.
    fn waiting_for(&self) -> Option<usize> {
        self.is_waiting.load(Ordering::Relaxed).then(|| self.given.load(Ordering::Relaxed))
    }
}

/// Runs the HTTP/2 streams, and resets those whose client does not take the next piece in time.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    patience: Duration,
    answers: AnswerMemory,
    given_up: Counter,
}

impl Streams {
    pub(super) fn new(patience: Duration, answers: AnswerMemory, given_up: Counter) -> Self {
        Self { patience, answers, given_up }
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let pace = Arc::<Pace>::default();
        tokio::spawn(Paced {
            stream: CURRENT.scope(Arc::clone(&pace), stream),
            streams: self.clone(),
            pace,
            since: None,
            timer: None,
        });
    }
}

pin_project! {
    /// One stream; dropping it before its end resets it.
    struct Paced<F> {
        #[pin]
        stream: TaskLocalFuture<Arc<Pace>, F>,
        streams: Streams,
        pace: Arc<Pace>,
        // The number of the piece that the client has to take, and since when.
        since: Option<(usize, Instant)>,
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future<Output = ()>> Future for Paced<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.stream.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let Some(piece) = this.pace.waiting_for() else { return Poll::Pending };
        let since = match *this.since {
            Some((waiting_for, since)) if waiting_for == piece => since,
            _ => this.since.insert((piece, Instant::now())).1,
        };
        loop {
            // The time may become shorter while waiting.
            let until = since + this.streams.answers.patience(this.streams.patience);
            let now = Instant::now();
            if now >= until {
                this.streams.given_up.increment(1);
                return Poll::Ready(());
            }
            let look = until.min(now + AnswerMemory::look_every());
            let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(look)));
            if timer.is_elapsed() || timer.deadline() > look {
                timer.as_mut().reset(look);
            }
            ready!(timer.as_mut().poll(cx));
        }
    }
}
