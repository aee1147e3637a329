use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::{error::Error, http::metrics};

/// How many bytes of a body a client has to send during its time-out.
const LEAST_SENT: usize = 16 * 1024;

/// Detects a client that sends nothing, or almost nothing, of a body it has begun.
///
/// Only the time spent waiting for the client counts, not the time in which the registry does not read.
/// The timer is set when a read has to wait, and moved only when it fires: a body that arrives without
/// a pause sets none.
#[derive(Debug, Default)]
pub(super) struct Stall {
    patience: Duration,
    /// How long the client has been waited for since it last sent enough, without the current wait.
    waited: Duration,
    /// How many bytes it has sent since then.
    sent: usize,
    waits_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(super) fn after(patience: Duration) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Records that bytes arrived.
    pub(super) fn note(&mut self, bytes: usize) {
        if let Some(since) = self.waits_since.take() {
            self.waited += since.elapsed();
        }
        self.sent = self.sent.saturating_add(bytes);
        if self.sent >= LEAST_SENT {
            (self.sent, self.waited) = (0, Duration::ZERO);
        }
    }

    /// Completes if too few bytes arrived for too long.
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

/// Too little of a body arrived for this long.
#[derive(Debug, thiserror::Error)]
#[error("{sent} bytes came of the body in {patience:?}")]
pub(crate) struct Stalled {
    patience: Duration,
    sent: usize,
}

impl Stalled {
    /// The error for the client if `error` is that of a stalled body.
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
