use std::path::PathBuf;

/// What of archives is kept in front of their store.
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
    /// 64 MiB in memory for archives of up to 1 MiB, and no disk.
    fn default() -> Self {
        Self { memory: 64 << 20, largest_in_memory: 1 << 20, disk: None }
    }
}

impl ArchiveCacheConfig {
    /// Sets how many bytes of archives are kept in memory; 0 for none.
    #[must_use]
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets up to which size in bytes an archive is kept in memory, so that
    /// one large download does not push out a thousand small ones.
    #[must_use]
    pub fn with_largest_in_memory(mut self, bytes: u64) -> Self {
        self.largest_in_memory = bytes;
        self
    }

    /// Keeps up to `capacity` bytes of archives in `folder`, which nobody else
    /// may use: for a store that is farther away than a disk.
    #[must_use]
    pub fn with_disk(mut self, folder: impl Into<PathBuf>, capacity: u64) -> Self {
        self.disk = Some(DiskConfig { folder: folder.into(), capacity });
        self
    }
}
