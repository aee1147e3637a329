use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    error::Result,
    ports::{Cached, SharedCache, Stamp},
};

/// Keeps values for as long as the process lives; "replicas" share it by `Arc`.
#[derive(Debug, Default)]
pub struct MemorySharedCache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    values: HashMap<String, Kept>,
    /// The number of the last emptying of each group that was ever emptied.
    emptied: HashMap<String, u64>,
    emptyings: u64,
}

#[derive(Debug)]
struct Kept {
    value: Bytes,
    stamp: Stamp,
    /// `None` where the lifetime ends beyond all reckoning.
    until: Option<Instant>,
}

impl MemorySharedCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stamp(&self, groups: &[&str]) -> Stamp {
        Stamp(groups.iter().map(|group| self.emptied.get(*group).copied().unwrap_or(0).to_string()).collect())
    }
}

impl Kept {
    fn lives(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[async_trait]
impl SharedCache for MemorySharedCache {
    async fn get(&self, key: &str, groups: &[&str]) -> Result<Cached> {
        let state = self.state();
        let stamp = state.stamp(groups);
        let kept = state.values.get(key).filter(|kept| kept.lives(Instant::now()) && kept.stamp == stamp);
        Ok(Cached { value: kept.map(|kept| kept.value.clone()), stamp })
    }

    async fn put(&self, key: &str, groups: &[&str], value: Bytes, stamp: &Stamp, lifetime: Duration) -> Result<()> {
        let mut state = self.state();
        if state.stamp(groups) == *stamp {
            let kept = Kept { value, stamp: stamp.clone(), until: Instant::now().checked_add(lifetime) };
            state.values.insert(key.to_owned(), kept);
        }
        Ok(())
    }

    async fn empty(&self, group: &str) -> Result<()> {
        let mut state = self.state();
        state.emptyings += 1;
        let number = state.emptyings;
        state.emptied.insert(group.to_owned(), number);
        let now = Instant::now();
        state.values.retain(|_, kept| kept.lives(now));
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::shared_cache_conformance!(async { (MemorySharedCache::new(), ()) });
}
