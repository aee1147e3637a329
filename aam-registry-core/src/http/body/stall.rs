use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::{error::Error, http::metrics};

/// What a client must send of a body while it is waited for as long as the
/// patience lasts, in bytes.
const LEAST_SENT: usize = 16 * 1024;

/// Notices a client that sends nothing of a body it has begun, or next to nothing.
///
/// Only the time is counted in which the client is waited for, not that in
/// which nobody asks for more. The timer is set where something is waited for,
/// and moved only when it runs out: a body that comes without a pause costs none.
#[derive(Debug, Default)]
pub(super) struct Stall {
    patience: Duration,
    /// How long the client was waited for since it last had sent enough, but for now.
    waited: Duration,
    /// What it has sent since then, in bytes.
    sent: usize,
    waits_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(super) fn after(patience: Duration) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Notes that so many bytes came.
    pub(super) fn note(&mut self, bytes: usize) {
        if let Some(since) = self.waits_since.take() {
            self.waited += since.elapsed();
        }
        self.sent = self.sent.saturating_add(bytes);
        if self.sent >= LEAST_SENT {
            (self.sent, self.waited) = (0, Duration::ZERO);
        }
    }

    /// Completes where too little has come for too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Stalled> {
        let since = *self.waits_since.get_or_insert_with(Instant::now);
        let until = since + self.patience.saturating_sub(self.waited);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        loop {
            if timer.deadline() > until {
                timer.as_mut().reset(until);
            }
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= until {
                metrics::body_stalled();
                return Poll::Ready(Stalled { patience: self.patience, sent: self.sent });
            }
            timer.as_mut().reset(until);
        }
    }
}

/// Too little came of a body for so long.
#[derive(Debug, thiserror::Error)]
#[error("{sent} bytes came of the body in {patience:?}")]
pub(crate) struct Stalled {
    patience: Duration,
    sent: usize,
}

impl Stalled {
    /// What to tell the client where `error` is that of a stalled body.
    pub(crate) fn told(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Error> {
        let Self { patience, sent } = error.downcast_ref()?;
        let seconds = patience.as_secs();
        Some(Error::ClientTimeout(match sent {
            0 => format!("Nothing came of the request body for {seconds} s; send it again"),
            sent => format!(
                "Only {sent} bytes of the request body came in {seconds} s; send at least {LEAST_SENT} in that time, \
                over a faster connection"
            ),
        }))
    }
}
