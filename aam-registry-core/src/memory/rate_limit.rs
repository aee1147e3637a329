use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    task::Poll,
    time::Instant,
};

use async_trait::async_trait;

use crate::{
    error::Result,
    ports::{RateClass, RateLimiter},
    types::RateDecision,
};

/// Counts requests in fixed windows of a class's [period](RateClass::period); without limits unless given some.
#[derive(Debug, Default)]
pub struct MemoryLimiter {
    limits: HashMap<RateClass, u32>,
    windows: Mutex<HashMap<RateClass, Window>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    taken: HashMap<String, u32>,
}

impl Window {
    fn beginning(now: Instant) -> Self {
        Self { began: now, taken: HashMap::new() }
    }
}

impl MemoryLimiter {
    /// A limiter that limits nothing.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// Lets each client make `limit` requests of `class` in its
    /// [period](RateClass::period); 0 for any number.
    #[must_use]
    pub fn with_limit(mut self, class: RateClass, limit: u32) -> Self {
        self.limits.insert(class, limit);
        self
    }

    fn decide(&self, class: RateClass, client: &str) -> Option<RateDecision> {
        let limit = self.limits.get(&class).copied().filter(|limit| *limit > 0)?;
        let now = Instant::now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(class).or_insert_with(|| Window::beginning(now));
        if now.duration_since(window.began) >= class.period() {
            *window = Window::beginning(now);
        }
        let reset = class.period().saturating_sub(now.duration_since(window.began));
        let taken = window.taken.entry(client.to_owned()).or_default();
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

    async fn give_back(&self, class: RateClass, client: &str) -> Result<()> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = windows.get_mut(&class).and_then(|window| window.taken.get_mut(client)) {
            *taken = taken.saturating_sub(1);
        }
        Ok(())
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
        for (class, limit) in crate::testing::rate_limit::LIMITS {
            limiter = limiter.with_limit(class, limit);
        }
        (limiter, ())
    });
}
