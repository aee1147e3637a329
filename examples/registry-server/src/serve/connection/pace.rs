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

/// How the client of one stream of HTTP/2 takes its answer.
///
/// On HTTP/2 a slow reader does not slow the network: it gives no leave to
/// send, stream by stream, while the connection lives. Each stream is watched
/// for itself, then.
#[derive(Debug, Default)]
pub(super) struct Pace {
    given: AtomicUsize,
    /// Whether the last piece was given and no next one asked for.
    is_waiting: AtomicBool,
}

impl Pace {
    /// That of the stream whose request is being served.
    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Notes that the next piece is asked for: what was given before could go.
    pub(super) fn ask(&self) {
        self.is_waiting.store(false, Ordering::Relaxed);
    }

    /// Notes that a piece is given.
    pub(super) fn give(&self) {
        self.given.fetch_add(1, Ordering::Relaxed);
        self.is_waiting.store(true, Ordering::Relaxed);
    }

    /// Which piece the client has to take before there is another.
    fn waiting_for(&self) -> Option<usize> {
        self.is_waiting.load(Ordering::Relaxed).then(|| self.given.load(Ordering::Relaxed))
    }
}

/// Runs the streams of HTTP/2, and gives up those whose client does not take
/// the next piece in time.
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
    /// One stream; what is dropped before its end is reset.
    struct Paced<F> {
        #[pin]
        stream: TaskLocalFuture<Arc<Pace>, F>,
        streams: Streams,
        pace: Arc<Pace>,
        // Which piece the client has to take, and since when.
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
            // It may become less while the client is waited for.
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
