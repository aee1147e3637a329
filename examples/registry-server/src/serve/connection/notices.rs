use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// A notice to all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// No notice yet.
    None,
    /// Close if idle, to make room for others.
    MakeRoom,
    /// Close after the requests in progress.
    End,
}

/// Sends notices to all connections, without a lock that they would contend for while they serve.
#[derive(Debug)]
pub(super) struct Notices {
    told: watch::Sender<Notice>,
    count: AtomicUsize,
}

impl Notices {
    pub(super) fn new() -> Self {
        Self { told: watch::Sender::new(Notice::None), count: AtomicUsize::new(0) }
    }

    pub(super) fn tell(&self, notice: Notice) {
        self.told.send_if_modified(|last| {
            // A request to make room must not replace the notice to end.
            if *last == Notice::End {
                return false;
            }
            *last = notice;
            self.count.fetch_add(1, Ordering::Release);
            true
        });
    }

    /// How many notices there have been: an unchanged count means that there is no new notice.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn listen(&self) -> watch::Receiver<Notice> {
        self.told.subscribe()
    }

    /// Completes when no connection is left.
    pub(super) async fn nobody_listens(&self) {
        self.told.closed().await;
    }
}
