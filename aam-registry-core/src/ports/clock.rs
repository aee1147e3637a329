use std::{
    fmt::Debug,
    sync::LazyLock,
    time::{Duration, Instant},
};

use jiff::Timestamp;

/// The current time; tests use their own.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The current time, in whole microseconds, as databases store it.
    fn now(&self) -> Timestamp;

    /// The time since a fixed instant of the process, for measuring durations: unlike
    /// [`now`](Self::now) it does not jump when the clock is set.
    fn elapsed(&self) -> Duration {
        STARTED.elapsed()
    }
}

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}
