use std::time::Duration;

/// How much metadata is cached, and for how long.
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
    /// The longest that anything mutable is cached.
    ///
    /// The `downloads` figures in metadata are updated twice a minute and may be a minute old in an
    /// answer. Of the 30 seconds that this leaves, finished documents are cached for ten, and metadata
    /// for this long.
    pub const LONGEST_LIFETIME: Duration = Duration::from_secs(20);

    /// Sets about how many bytes are cached in this process.
    #[must_use]
    pub fn with_capacity(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    /// Sets how long anything mutable is cached; at most [`LONGEST_LIFETIME`](Self::LONGEST_LIFETIME).
    /// A change that no feed reports stays unseen for at most this long.
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
