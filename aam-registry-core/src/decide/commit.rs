use jiff::Timestamp;

use super::PublishQuotas;
use crate::types::{
    Actor, ApprovalStatus, ArchiveFile, ArchiveKey, Change, DistTag, LatestPolicy, Manifest, NewAuditEntry,
    Sha256Digest, TagRules, UploadId,
};

/// A judged, durable upload to make a version of.
#[derive(Clone, Debug)]
pub struct PublishCommit {
    /// Who publishes.
    pub actor: Actor,
    /// The upload to consume.
    pub upload: UploadId,
    /// Where its bytes are.
    pub archive: ArchiveKey,
    /// The manifest; names package and version.
    pub manifest: Manifest,
    /// The digest of the archive.
    pub sha256: Sha256Digest,
    /// The size of the archive in bytes.
    pub archive_size: u64,
    /// Its regular files, by path.
    pub files: Vec<ArchiveFile>,
    /// Its README in Markdown.
    pub readme: Option<String>,
    /// A dist-tag to set beside `latest`.
    pub tag: Option<DistTag>,
    /// Whether the version may be used at once, or waits for approval.
    pub approval: ApprovalStatus,
    /// What the operator demands of tags.
    pub tags: TagRules,
    /// What the publish may add at most.
    pub quotas: PublishQuotas,
    /// How `latest` is chosen.
    pub latest_policy: LatestPolicy,
    /// The instant of the publish.
    pub now: Timestamp,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl PublishCommit {
    /// The cache entries that this invalidates.
    pub fn invalidates(&self) -> Change {
        Change::Package(self.manifest.name.clone())
    }
}
