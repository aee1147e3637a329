use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Remembers that an external service fails, so that requests do not wait for it in vain (a circuit
/// breaker).
///
/// After a failure, callers are told not to use the service. After each pause one caller is told to
/// test the service; the first success lets all callers through again. Takes no lock.
#[derive(Debug)]
pub struct Breaker {
    began: Instant,
    pause: Duration,
    /// Until when callers must not use the service, in microseconds since `began`; [`CLOSED`] while it
    /// works.
    open_until: AtomicU64,
}

const CLOSED: u64 = 0;

/// What a [`Breaker`] tells a caller to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Use the service, and report the outcome.
    Through,
    /// Do not use the service.
    Refused,
    /// Do not use the service, but test it in the background and report the outcome. No other caller is
    /// told to do so until another pause has passed.
    Probe,
}

impl Breaker {
    /// A closed breaker, which has the service tested once per `pause` after a failure.
    pub fn new(pause: Duration) -> Self {
        Self { began: Instant::now(), pause, open_until: AtomicU64::new(CLOSED) }
    }

    /// What a caller has to do now.
    pub fn admit(&self) -> Admission {
        self.admit_at(self.began.elapsed())
    }

    /// Records a failure. Returns whether the service worked before.
    pub fn failed(&self) -> bool {
        self.failed_at(self.began.elapsed())
    }

    /// Records a success. Returns whether the service failed before.
    pub fn succeeded(&self) -> bool {
        // Load before writing: while the service works, nothing is written, so processors do not
        // compete for the cache line.
        self.open_until.load(Ordering::Relaxed) != CLOSED && self.open_until.swap(CLOSED, Ordering::Relaxed) != CLOSED
    }

    fn admit_at(&self, now: Duration) -> Admission {
        let until = self.open_until.load(Ordering::Relaxed);
        if until == CLOSED {
            return Admission::Through;
        }
        if micros(now) < until {
            return Admission::Refused;
        }
        // The caller that moves the end of the pause makes the probe. If it never reports, another
        // probe follows after the next pause.
        let next = self.end_of_pause(now);
        match self.open_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Admission::Probe,
            Err(_) => Admission::Refused,
        }
    }

    fn failed_at(&self, now: Duration) -> bool {
        self.open_until.swap(self.end_of_pause(now), Ordering::Relaxed) == CLOSED
    }

    fn end_of_pause(&self, now: Duration) -> u64 {
        micros(now.saturating_add(self.pause)).max(CLOSED + 1)
    }
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    #[test]
    fn a_failure_keeps_everybody_away_until_one_looks() {
        let breaker = Breaker::new(PAUSE);
        let at = |millis| breaker.admit_at(Duration::from_millis(millis));
        assert_eq!(at(0), Admission::Through);
        assert!(breaker.failed_at(Duration::from_millis(100)), "news");
        assert_eq!(at(100), Admission::Refused);
        assert_eq!(at(1099), Admission::Refused);
        assert_eq!(at(1100), Admission::Probe);
        assert_eq!(at(1100), Admission::Refused, "one is enough");
        assert!(breaker.succeeded(), "news");
        assert_eq!(at(1101), Admission::Through);
        assert!(!breaker.succeeded(), "no news");
    }

    #[test]
    fn a_look_in_vain_is_followed_by_another() {
        let breaker = Breaker::new(PAUSE);
        let at = |millis| breaker.admit_at(Duration::from_millis(millis));
        breaker.failed_at(Duration::ZERO);
        assert_eq!(at(1000), Admission::Probe);
        assert!(!breaker.failed_at(Duration::from_millis(1500)), "no news");
        assert_eq!(at(2499), Admission::Refused);
        assert_eq!(at(2500), Admission::Probe);
        // This one never reports.
        assert_eq!(at(3499), Admission::Refused);
        assert_eq!(at(3500), Admission::Probe);
    }

    #[test]
    fn it_opens_without_a_pause_and_at_the_first_instant_too() {
        let breaker = Breaker::new(Duration::ZERO);
        assert!(breaker.failed_at(Duration::ZERO));
        assert_eq!(breaker.admit_at(Duration::from_millis(1)), Admission::Probe);
        let endless = Breaker::new(Duration::MAX);
        endless.failed();
        assert_eq!(endless.admit_at(Duration::from_hours(24)), Admission::Refused);
    }
}
