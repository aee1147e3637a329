use jiff::Timestamp;

use crate::types::{ApprovalStatus, DistTag, Manifest, Sha256Digest};

/// What a client asks beside the archive itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishOptions {
    /// A dist-tag to set beside `latest`.
    pub tag: Option<DistTag>,
    /// The digest the archive must have.
    pub checksum: Option<Sha256Digest>,
}

/// A publish that was committed.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishReceipt {
    /// The manifest; names package and version.
    pub manifest: Manifest,
    /// The digest of the archive.
    pub sha256: Sha256Digest,
    /// The size of the archive in bytes.
    pub archive_size: u64,
    /// The instant it was committed.
    pub published_at: Timestamp,
    /// The tags that name the new version, by name.
    pub dist_tags: Vec<DistTag>,
    /// Whether the version may be used at once, or waits for approval.
    pub approval: ApprovalStatus,
    /// What the publisher may want to do better; nothing that hindered.
    pub warnings: Vec<String>,
}
