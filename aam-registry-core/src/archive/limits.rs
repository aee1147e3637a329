use super::names::NameRule;
use crate::types::ManifestLimits;

/// The average length of the paths of an archive, in bytes, that is allowed at most. Without it a
/// listing of the files could grow to the longest allowed path times the number of entries.
const MEAN_PATH: u64 = 256;

/// How large an archive may be, and which names its entries may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    archive_size: u64,
    unpacked_size: u64,
    entries: u64,
    manifest: ManifestLimits,
    names: NameRule,
}

impl ArchiveLimits {
    /// No limits, for archives that were accepted before.
    pub const NONE: Self = Self {
        archive_size: u64::MAX,
        unpacked_size: u64::MAX,
        entries: u64::MAX,
        manifest: ManifestLimits::NONE,
        names: NameRule::Any,
    };

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

    /// The most bytes of all paths together: 256 for each allowed entry.
    pub fn max_paths_size(&self) -> u64 {
        self.entries.saturating_mul(MEAN_PATH)
    }

    /// How large the parts of its manifest may be.
    pub fn manifest(&self) -> &ManifestLimits {
        &self.manifest
    }

    /// Which names its entries may have; [`NameRule::Portable`] unless changed.
    pub fn names(&self) -> NameRule {
        self.names
    }

    /// Sets which names its entries may have.
    #[must_use]
    pub fn with_names(mut self, names: NameRule) -> Self {
        self.names = names;
        self
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

    /// Sets how large the parts of its manifest may be.
    #[must_use]
    pub fn with_manifest(mut self, manifest: ManifestLimits) -> Self {
        self.manifest = manifest;
        self
    }
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            archive_size: 52_428_800,
            unpacked_size: 524_288_000,
            entries: 10_000,
            manifest: ManifestLimits::default(),
            names: NameRule::default(),
        }
    }
}
