use std::fmt;

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};

use super::ArchiveCacheConfig;
use crate::{decorate::TierMeter, types::Sha256Digest};

/// The memory of a cached archive beside its bytes.
const OVERHEAD: u64 = 128;
/// The approximate size of an archive that is cached in memory.
const TYPICAL: u64 = 16 << 10;

/// Small archives by their digest, limited by their total size.
///
/// When space is needed, an archive that was requested once is evicted before one that was requested
/// twice.
pub(super) struct MemoryTier {
    kept: Cache<Sha256Digest, Bytes, ByLength>,
    largest: u64,
    meter: TierMeter,
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Sha256Digest, Bytes> for ByLength {
    fn weight(&self, _: &Sha256Digest, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + OVERHEAD
    }
}

impl MemoryTier {
    pub(super) fn new(config: &ArchiveCacheConfig) -> Self {
        let items = usize::try_from(config.memory / TYPICAL).unwrap_or(usize::MAX);
        let kept = Cache::with_weighter(items, config.memory, ByLength);
        // An archive that is larger than the space of a shard would evict the whole shard, and then
        // itself.
        let largest = config.largest_in_memory.min((kept.shard_capacity() / 4).saturating_sub(OVERHEAD));
        Self { kept, largest, meter: TierMeter::new("memory") }
    }

    /// Whether an archive of that size is cached.
    pub(super) fn admits(&self, size: u64) -> bool {
        size <= self.largest
    }

    pub(super) fn get(&self, sha256: &Sha256Digest) -> Option<Bytes> {
        let bytes = self.kept.get(sha256);
        self.meter.count(bytes.is_some());
        bytes
    }

    /// Caches checked bytes.
    pub(super) fn keep(&self, sha256: Sha256Digest, bytes: Bytes) {
        if self.admits(bytes.len() as u64) {
            self.kept.insert(sha256, bytes);
        }
    }
}

impl fmt::Debug for MemoryTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.kept.weight();
        f.debug_struct("MemoryTier").field("bytes", &bytes).field("largest", &self.largest).finish_non_exhaustive()
    }
}
