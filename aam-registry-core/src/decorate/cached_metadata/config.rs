use std::time::Duration;

/// How much metadata is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataCacheConfig {
    capacity: u64,
    lifetime: Duration,
}

impl Default for MetadataCacheConfig {
    /// 64 MiB in this process, for 20 seconds.
    fn default() -> Self {
        Self { capacity: 64 << 20, lifetime: Self::LONGEST_LIFETIME }
    }
}

impl MetadataCacheConfig {
    /// The longest that anything is kept that may change.
    ///
    /// The `downloads` figures in metadata are brought up to date twice a
    /// minute and may be a minute old. Of the rest of that, documents made of
    /// metadata are kept for ten seconds, and metadata no longer than this.
    pub const LONGEST_LIFETIME: Duration = Duration::from_secs(20);

    /// Sets how many bytes, about, are kept in this process.
    #[must_use]
    pub fn with_capacity(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    /// Sets how long anything is kept that may change; at most
    /// [`LONGEST_LIFETIME`](Self::LONGEST_LIFETIME).
    /// This bounds what a change that nobody told of can do.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime.min(Self::LONGEST_LIFETIME);
        self
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }
}
