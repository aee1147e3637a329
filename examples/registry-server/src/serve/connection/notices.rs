use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

/// What every connection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Nothing yet.
    None,
    /// To give up its place if it lies idle.
    MakeRoom,
    /// To end behind what is under way.
    End,
}

/// Tells all connections, without a lock that they would share while they serve.
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
            // What was told to end does not go on to make room.
            if *last == Notice::End {
                return false;
            }
            *last = notice;
            self.count.fetch_add(1, Ordering::Release);
            true
        });
    }

    /// How many notices there were: where it is the same as before there is nothing new to hear.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn listen(&self) -> watch::Receiver<Notice> {
        self.told.subscribe()
    }

    /// Completes once nobody listens any more.
    pub(super) async fn nobody_listens(&self) {
        self.told.closed().await;
    }
}
