//! Where the archive of a published version is stored.

use crate::types::{ArchiveKey, PackageName, Sha256Digest, Version, VersionStatus, Visibility};

/// The facts about a published version that never change (the key, digest and size of its archive), and
/// what decides who may have it, which can change.
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
    /// Who may see the package.
    pub visibility: Visibility,
    /// Where the version stands.
    pub status: VersionStatus,
}

impl ArchiveLocation {
    /// The name for the archive when it is saved as a file: the package without its scope, the version,
    /// `.aam`. ASCII without spaces, quotes or slashes.
    pub fn file_name(&self) -> String {
        format!("{}-{}.aam", self.package.bare(), self.version)
    }
}
