use std::path::PathBuf;

/// Which archives are cached in front of their store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveCacheConfig {
    pub(super) memory: u64,
    pub(super) largest_in_memory: u64,
    pub(super) disk: Option<DiskConfig>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DiskConfig {
    pub(super) folder: PathBuf,
    pub(super) capacity: u64,
}

impl Default for ArchiveCacheConfig {
    /// 64 MiB in memory for archives of up to 1 MiB, and no disk cache.
    fn default() -> Self {
        Self { memory: 64 << 20, largest_in_memory: 1 << 20, disk: None }
    }
}

impl ArchiveCacheConfig {
    /// Sets how many bytes of archives are cached in memory; 0 for none.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets the largest archive, in bytes, that is cached in memory, so that one large download does
    /// not evict a thousand small ones.
    #[must_use]
    pub fn with_largest_in_memory(mut self, bytes: u64) -> Self {
        self.largest_in_memory = bytes;
        self
    }

    /// Caches up to `capacity` bytes of archives in `folder`, which nothing else may use. Meant for
    /// stores that are slower to reach than a local disk.
    #[must_use]
    pub fn with_disk(mut self, folder: impl Into<PathBuf>, capacity: u64) -> Self {
        self.disk = Some(DiskConfig { folder: folder.into(), capacity });
        self
    }
}
