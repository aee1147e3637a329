/// How large an archive may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    archive_size: u64,
    unpacked_size: u64,
    entries: u64,
}

impl ArchiveLimits {
    /// The most bytes of the archive itself; 52,428,800 unless changed.
    pub fn max_archive_size(&self) -> u64 {
        self.archive_size
    }

    /// The most bytes of its files together; 524,288,000 unless changed.
    pub fn max_unpacked_size(&self) -> u64 {
        self.unpacked_size
    }

    /// The most entries; 10,000 unless changed.
    pub fn max_entries(&self) -> u64 {
        self.entries
    }

    /// Sets the most bytes of the archive itself.
    #[must_use]
    pub fn with_max_archive_size(mut self, bytes: u64) -> Self {
        self.archive_size = bytes;
        self
    }

    /// Sets the most bytes of its files together.
    #[must_use]
    pub fn with_max_unpacked_size(mut self, bytes: u64) -> Self {
        self.unpacked_size = bytes;
        self
    }

    /// Sets the most entries.
    #[must_use]
    pub fn with_max_entries(mut self, entries: u64) -> Self {
        self.entries = entries;
        self
    }
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { archive_size: 52_428_800, unpacked_size: 524_288_000, entries: 10_000 }
    }
}
