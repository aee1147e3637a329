use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use async_trait::async_trait;

use crate::{
    error::Result,
    ports::{RateClass, RateDecision, RateLimiter},
};

const WINDOW: Duration = Duration::from_mins(1);

/// Counts requests in fixed windows of a minute; without limits unless given some.
#[derive(Debug, Default)]
pub struct MemoryLimiter {
    limits: HashMap<RateClass, u32>,
    window: Mutex<Option<Window>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    taken: HashMap<(RateClass, String), u32>,
}

impl MemoryLimiter {
    /// A limiter that limits nothing.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// Lets each client make `per_minute` requests of `class`; 0 for any number.
    #[must_use]
    pub fn with_limit(mut self, class: RateClass, per_minute: u32) -> Self {
        self.limits.insert(class, per_minute);
        self
    }

    fn decide(&self, class: RateClass, client: &str) -> Option<RateDecision> {
        let limit = self.limits.get(&class).copied().filter(|limit| *limit > 0)?;
        let now = Instant::now();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let live = window.take().filter(|window| now.duration_since(window.began) < WINDOW);
        let window = window.insert(live.unwrap_or_else(|| Window { began: now, taken: HashMap::new() }));
        let reset = WINDOW.saturating_sub(now.duration_since(window.began));
        let taken = window.taken.entry((class, client.to_owned())).or_default();
        let retry_after = if *taken < limit {
            *taken += 1;
            None
        } else {
            Some(reset)
        };
        Some(RateDecision { limit, remaining: limit - *taken, reset, retry_after })
    }
}

#[async_trait]
impl RateLimiter for MemoryLimiter {
    async fn take(&self, class: RateClass, client: &str) -> Result<Option<RateDecision>> {
        Ok(self.decide(class, client))
    }

    fn take_now(&self, class: RateClass, client: &str) -> Poll<Option<RateDecision>> {
        Poll::Ready(self.decide(class, client))
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::rate_limiter_conformance!(async {
        let mut limiter = MemoryLimiter::unlimited();
        for (class, per_minute) in crate::testing::rate_limit::LIMITS {
            limiter = limiter.with_limit(class, per_minute);
        }
        (limiter, ())
    });
}
