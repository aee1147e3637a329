//! Whether a download comes fast enough to be worth waiting for.

use std::time::{Duration, Instant};

use super::client::IDLE;
use crate::config::LEAST_SPEED;

/// The speed of one download.
#[derive(Debug)]
pub(super) struct Pace {
    /// How long it may be slower than [`LEAST_SPEED`].
    patience: Duration,
    /// When the stretch of time began that is measured now.
    begun: Instant,
    /// Bytes that came in it.
    received: u64,
    /// When the last of them came.
    last: Instant,
}

impl Pace {
    /// That of a download which begins at `now`.
    pub(super) fn new(now: Instant, patience: Duration) -> Self {
        Self { patience, begun: now, received: 0, last: now }
    }

    /// Notes that `bytes` came at `now`; whether it goes on fast enough.
    pub(super) fn holds(&mut self, now: Instant, bytes: u64) -> bool {
        // The connection is given up when nothing comes for so long: this process was stopped in between.
        if now.duration_since(self.last) > IDLE {
            *self = Self::new(now, self.patience);
        }
        self.last = now;
        self.received += bytes;
        let time = now.duration_since(self.begun);
        if time < self.patience {
            return true;
        }
        let holds = self.received >= LEAST_SPEED.saturating_mul(time.as_secs());
        (self.begun, self.received) = (now, 0);
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// Whether a download holds that brings `bytes` every second for three minutes.
    fn holds(bytes: u64) -> bool {
        let begun = Instant::now();
        let mut pace = Pace::new(begun, MINUTE);
        (1..=180).all(|second| pace.holds(begun + Duration::from_secs(second), bytes))
    }

    #[test]
    fn a_download_may_be_slow_but_not_for_long() {
        assert!(holds(LEAST_SPEED));
        assert!(!holds(LEAST_SPEED - 1));
        let begun = Instant::now();
        let mut pace = Pace::new(begun, MINUTE);
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert!(pace.holds(at(29), 1) && pace.holds(at(58), 1 << 20), "slow for half a minute");
        assert!(pace.holds(at(60), 1) && pace.holds(at(80), 1) && pace.holds(at(100), 1));
        assert!(!pace.holds(at(120), 1), "what came before makes up for nothing");
    }

    #[test]
    fn a_process_that_was_stopped_is_not_taken_for_a_slow_line() {
        let begun = Instant::now();
        let mut pace = Pace::new(begun, MINUTE);
        assert!(pace.holds(begun + 10 * MINUTE, 1));
        assert!(pace.holds(begun + 10 * MINUTE + MINUTE / 2, 1));
        assert!(!pace.holds(begun + 11 * MINUTE, 1));
    }
}
