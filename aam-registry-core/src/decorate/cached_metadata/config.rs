use std::time::Duration;

/// How much metadata is cached, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataCacheConfig {
    capacity: u64,
    lifetime: Duration,
    stale_reads: Duration,
}

impl Default for MetadataCacheConfig {
    /// 64 MiB in this process, for 20 seconds; downloads go on for 15 minutes without the database.
    fn default() -> Self {
        Self { capacity: 64 << 20, lifetime: Self::LONGEST_LIFETIME, stale_reads: Duration::from_mins(15) }
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

    /// Sets how long the archives of public versions are still located while the
    /// database does not answer.
    #[must_use]
    pub fn with_stale_reads(mut self, longest: Duration) -> Self {
        self.stale_reads = longest;
        self
    }

    pub(super) fn stale_reads(&self) -> Duration {
        self.stale_reads
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }
}
