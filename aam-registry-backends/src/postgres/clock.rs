use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use aam_registry_core::ports::Clock;
use jiff::{SignedDuration, Timestamp};

/// From which difference on the operator is told.
const NOTEWORTHY: Duration = Duration::from_secs(5);

/// The clock of a PostgreSQL server, which all replicas share: that of this
/// machine, corrected by how far it was found to be ahead or behind.
///
/// The difference is measured with every new connection and every few
/// seconds; until the first time the machine's clock counts as right.
#[derive(Clone, Debug)]
pub struct PostgresClock {
    skew: Arc<Skew>,
}

impl PostgresClock {
    pub(super) fn new(skew: Arc<Skew>) -> Self {
        Self { skew }
    }
}

impl Clock for PostgresClock {
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_micros(self.skew.ahead.load(Ordering::Acquire));
        let own = self.skew.own.now();
        own.checked_sub(ahead).unwrap_or(own)
    }

    fn elapsed(&self) -> Duration {
        self.skew.own.elapsed()
    }
}

/// How far the clock of this machine is ahead of the database's.
#[derive(Debug)]
pub(super) struct Skew {
    own: Arc<dyn Clock>,
    /// In microseconds; negative where it is behind.
    ahead: AtomicI64,
    told: AtomicBool,
}

impl Skew {
    pub(super) fn new(own: Arc<dyn Clock>) -> Self {
        Self { own, ahead: AtomicI64::new(0), told: AtomicBool::new(false) }
    }

    /// The clock of this machine.
    pub(super) fn own(&self) -> Timestamp {
        self.own.now()
    }

    /// Notes what the database's clock said, in microseconds since 1970, at some instant between these two.
    pub(super) fn note(&self, asked: Timestamp, answered: Timestamp, database: i64) {
        let half = answered.as_microsecond().saturating_sub(asked.as_microsecond()) / 2;
        let measured = asked.as_microsecond().saturating_add(half).saturating_sub(database);
        let known = self.ahead.load(Ordering::Acquire);
        // What a slow answer explains is no difference: the clock is not to wander.
        let ahead = if measured.abs_diff(known) > half.unsigned_abs() { measured } else { known };
        self.ahead.store(ahead, Ordering::Release);
        let ahead = SignedDuration::from_micros(ahead);
        metrics::gauge!("aam_clock_skew_seconds").set(ahead.as_secs_f64());
        let is_noteworthy = ahead.unsigned_abs() > NOTEWORTHY;
        if self.told.swap(is_noteworthy, Ordering::AcqRel) == is_noteworthy {
            return;
        }
        let seconds = ahead.as_secs_f64();
        if is_noteworthy {
            tracing::warn!(
                event = "clock_skewed",
                seconds,
                "the clock of this machine is not that of the database, which counts: set it right, and keep it so with NTP \
                 (`timedatectl set-ntp true`)",
            );
        } else {
            tracing::info!(event = "clock_right", seconds, "the clock of this machine is that of the database again");
        }
    }
}

#[cfg(test)]
mod tests {
    use aam_registry_core::ports::SystemClock;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(micros).expect("in range")
    }

    #[test]
    fn only_what_a_slow_answer_does_not_explain_is_a_difference() {
        let skew = Skew::new(Arc::new(SystemClock));
        let ahead = || skew.ahead.load(Ordering::Acquire);
        skew.note(at(1_000), at(1_200), 1_190);
        assert_eq!(ahead(), 0);
        skew.note(at(1_000_000), at(1_000_200), 900_000);
        assert_eq!(ahead(), 100_100);
        skew.note(at(2_000_000), at(2_060_000), 1_905_000);
        assert_eq!(ahead(), 100_100, "the answer took longer than they differ");
        skew.note(at(3_000_000), at(3_000_200), 3_500_000);
        assert_eq!(ahead(), -499_900);
    }
}
