//! Waiting for registries that ask for it, within bounds and never in silence.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    config::{Ceilings, RegistryUrl},
    output::Output,
};

/// How long one command waits for registries, all in all.
const ALL_IN_ALL: Duration = Duration::from_mins(2);
/// A shorter wait needs no word.
const UNNOTICED: Duration = Duration::from_secs(1);

/// What is left of a command's patience; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    out: Output,
    ceilings: Ceilings,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    left: Duration,
    /// When the waiting that was granted already is over.
    until: Option<Instant>,
}

impl Patience {
    /// That of one command.
    pub(crate) fn new(out: Output, ceilings: Ceilings) -> Self {
        Self { out, ceilings, state: Arc::new(Mutex::new(State { left: ALL_IN_ALL, until: None })) }
    }

    /// What no registry may make the command exceed.
    pub(crate) fn ceilings(&self) -> &Ceilings {
        &self.ceilings
    }

    /// Waits as long as `registry` asks for, and says so; `false`, at once,
    /// where that is more than is left. What several requests wait for at the
    /// same time counts once.
    pub(super) async fn wait(&self, registry: &RegistryUrl, wait: Duration, why: &str) -> bool {
        let Some(more) = self.grant(Instant::now(), wait) else { return false };
        if more >= UNNOTICED {
            let seconds = wait.as_secs_f64().ceil();
            self.out.waiting(&format!("Waiting {seconds} s: {registry} {why}"));
        }
        tokio::time::sleep(wait).await;
        true
    }

    /// How much longer than before this wait makes the command; `None` where it is too long.
    fn grant(&self, now: Instant, wait: Duration) -> Option<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let end = now + wait;
        let more = end.saturating_duration_since(state.until.map_or(now, |until| until.max(now)));
        state.left = state.left.checked_sub(more)?;
        state.until = Some(state.until.map_or(end, |until| until.max(end)));
        Some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_of_the_waiting_is_bounded_and_waits_at_once_count_once() {
        let patience = Patience::new(Output::new(false, true), Ceilings::default());
        let (now, minute) = (Instant::now(), Duration::from_mins(1));
        assert_eq!(patience.grant(now, minute), Some(minute));
        assert_eq!(patience.grant(now, minute), Some(Duration::ZERO), "another request waits beside it");
        assert_eq!(patience.clone().grant(now + minute, minute), Some(minute));
        assert_eq!(patience.grant(now + 2 * minute, Duration::from_secs(1)), None, "two minutes are over");
    }
}
