//! The entries cached in this process.

use std::{
    fmt,
    hash::Hash,
    sync::Arc,
    time::{Duration, Instant},
};

use quick_cache::{Equivalent, Weighter, sync::Cache};

/// Values by key, each with the mark that keeps it valid, limited by their weight in bytes.
pub(super) struct Entries<K, H, V> {
    cache: Cache<K, Arc<Entry<H, V>>, ByWeight>,
    /// The most weight of one value.
    heaviest: u64,
}

pub(super) struct Entry<H, V> {
    pub(super) value: V,
    /// What decides whether the value is still valid.
    pub(super) holds_by: H,
    read_at: Instant,
    weight: u64,
}

#[derive(Clone)]
struct ByWeight;

/// A value may take this part of the capacity at most.
const HEAVIEST: u64 = 16;

impl<K, H, V> Weighter<K, Arc<Entry<H, V>>> for ByWeight {
    fn weight(&self, _: &K, entry: &Arc<Entry<H, V>>) -> u64 {
        entry.weight
    }
}

impl<K: Eq + Hash, H, V> Entries<K, H, V> {
    /// A cache for `capacity` bytes of values of about `typical` bytes each.
    pub(super) fn new(capacity: u64, typical: u64) -> Self {
        let items = usize::try_from(capacity / typical.max(1)).unwrap_or(usize::MAX);
        Self { cache: Cache::with_weighter(items, capacity, ByWeight), heaviest: capacity / HEAVIEST }
    }

    /// The value of `key` if it was read less than `lifetime` ago.
    pub(super) fn get<Q>(&self, key: &Q, lifetime: Duration) -> Option<Arc<Entry<H, V>>>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.cache.get(key).filter(|entry| entry.read_at.elapsed() < lifetime)
    }

    /// Caches `value`, which was read at or after `read_at`.
    pub(super) fn keep(&self, key: K, value: V, holds_by: H, read_at: Instant, weight: u64) {
        self.cache.insert(key, Arc::new(Entry { value, holds_by, read_at, weight }));
    }

    /// Whether a value of that weight is worth a copy: a few heavy ones would displace everything else.
    pub(super) fn has_room_for(&self, weight: u64) -> bool {
        weight <= self.heaviest
    }
}

impl<K, H, V> fmt::Debug for Entries<K, H, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries").finish_non_exhaustive()
    }
}
