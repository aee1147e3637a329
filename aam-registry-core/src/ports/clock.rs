use std::fmt::Debug;

use jiff::Timestamp;

/// Tells the time; tests bring their own.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The current instant, in whole microseconds as databases keep it.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}
