use std::{
    fmt::Debug,
    sync::LazyLock,
    time::{Duration, Instant},
};

use jiff::Timestamp;

/// Tells the time; tests bring their own.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The current instant, in whole microseconds as databases keep it.
    fn now(&self) -> Timestamp;

    /// The time since an instant that stays the same while the process runs:
    /// for how long something takes, whatever the clock is set to meanwhile.
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
