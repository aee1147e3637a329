use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::{error::Error, http::metrics};

/// Notices a client that sends nothing of a body it has begun.
///
/// The timer is set where something is waited for, and moved only when it runs
/// out: a body that comes without a pause costs none.
#[derive(Debug, Default)]
pub(super) struct Stall {
    patience: Duration,
    until: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(super) fn after(patience: Duration) -> Self {
        Self { patience, until: None, timer: None }
    }

    /// Notes that something came.
    pub(super) fn end(&mut self) {
        self.until = None;
    }

    /// Completes where nothing has come for too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Stalled> {
        let until = *self.until.get_or_insert_with(|| Instant::now() + self.patience);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= until {
                metrics::body_stalled();
                return Poll::Ready(Stalled(self.patience));
            }
            timer.as_mut().reset(until);
        }
    }
}

/// Nothing came of a body for so long.
#[derive(Debug, thiserror::Error)]
#[error("nothing came of the body for {0:?}")]
pub(crate) struct Stalled(Duration);

impl Stalled {
    /// What to tell the client where `error` is that of a stalled body.
    pub(crate) fn told(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Error> {
        let Self(patience) = error.downcast_ref()?;
        let message = format!("Nothing came of the request body for {} s; send it again", patience.as_secs());
        Some(Error::Timeout(message))
    }
}
