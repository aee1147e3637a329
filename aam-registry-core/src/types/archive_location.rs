//! Where the archive of a published version lies.

use crate::types::{ArchiveKey, PackageName, Sha256Digest, Version};

/// What never changes about a published version: which archive is its, its
/// digest and its size. May be kept for as long as the database loses no commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveLocation {
    /// The package.
    pub package: PackageName,
    /// The version as published, build metadata included.
    pub version: Version,
    /// The key in the archive store.
    pub archive: ArchiveKey,
    /// The digest of the archive.
    pub sha256: Sha256Digest,
    /// The size of the archive, in bytes.
    pub size: u64,
}

impl ArchiveLocation {
    /// What the archive is called where it is kept as a file: the package
    /// without its scope, the version, `.aam`. ASCII without spaces, quotes
    /// or slashes.
    pub fn file_name(&self) -> String {
        format!("{}-{}.aam", self.package.bare(), self.version)
    }
}
