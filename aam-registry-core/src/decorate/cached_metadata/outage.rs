use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How often a database that is away is asked again.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How the database fared when it was last asked for something that is also kept.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<Away>>);

/// The database did not answer.
#[derive(Debug)]
struct Away {
    since: Instant,
    ask_again: Instant,
}

impl Outage {
    /// How long a request waits for the database that can do without it.
    pub(super) const PATIENCE: Duration = Duration::from_secs(1);

    /// Whether the database is to be asked by a request that can do without: one
    /// request in a second while it is away, so that the others do not wait for it.
    pub(super) fn is_to_be_asked(&self) -> bool {
        let mut away = self.lock();
        let Some(away) = away.as_mut() else { return true };
        let now = Instant::now();
        if now < away.ask_again {
            return false;
        }
        away.ask_again = now + ASK_EVERY;
        true
    }

    /// The database failed to answer.
    pub(super) fn note(&self) {
        let now = Instant::now();
        let mut away = self.lock();
        let since = away.as_ref().map_or(now, |away| away.since);
        *away = Some(Away { since, ask_again: now + ASK_EVERY });
    }

    /// The database answered.
    pub(super) fn end(&self) {
        *self.lock() = None;
    }

    /// For how long the database is known to be away.
    pub(super) fn lasts(&self) -> Option<Duration> {
        self.lock().as_ref().map(|away| away.since.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Away>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_the_database_is_away_few_ask_it() {
        let outage = Outage::default();
        assert!(outage.is_to_be_asked() && outage.is_to_be_asked() && outage.lasts().is_none());
        outage.note();
        let asked = (0..100).filter(|_| outage.is_to_be_asked()).count();
        assert!(asked < 50, "{asked} of 100 asked");
        assert!(outage.lasts().is_some());
        outage.end();
        assert!(outage.is_to_be_asked() && outage.lasts().is_none());
    }
}
