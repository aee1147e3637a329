use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    error::Result,
    types::{
        Actor, ArchiveFile, ArchiveKey, DistTag, LatestPolicy, Manifest, NewAuditEntry, NewUpload, PackageName,
        Sha256Digest, Upload, UploadId, Username, Version,
    },
};

/// The transactions of a publish: begin → upload → commit, and the sweep of
/// what never got that far.
///
/// Leases go by the clock of the database alone: callers say how long, never
/// until when, since the clocks of replicas differ.
#[async_trait]
pub trait PublishStore: Debug + Send + Sync + 'static {
    /// Records an upload that is about to start.
    async fn begin_upload(&self, upload: &NewUpload) -> Result<()>;

    /// Makes the lease of a live upload end so long from now; `false` where it
    /// was abandoned, consumed or never known.
    async fn renew_upload(&self, id: UploadId, lease: Duration) -> Result<bool>;

    /// Fails where a commit of that version, whatever its tag, could not
    /// succeed any more, with the error the commit would give.
    async fn check_publish(&self, check: &PublishCheck) -> Result<()>;

    /// Makes an upload a version: authorises, claims the name where it is new
    /// (its publisher becomes the owner of an unscoped one), inserts the
    /// version, moves `latest`, sets the asked tag, appends the audit entry and
    /// consumes the upload.
    ///
    /// # Errors
    /// [`VersionExists`](crate::Error::VersionExists), also where only build
    /// metadata differs; [`Forbidden`](crate::Error::Forbidden) without the
    /// right, also where the scope does not exist, and where the asked tag
    /// exists without [`Action::Tag`](crate::types::Action);
    /// [`NameTooSimilar`](crate::Error::NameTooSimilar) for a new unscoped
    /// name whose [`similarity_key`](PackageName::similarity_key) another
    /// unscoped package has; [`Timeout`](crate::Error::Timeout) where the
    /// upload is no longer alive. A failed commit leaves the upload as it was.
    ///
    /// Nothing is committed before what it builds on: where `commit.now` lies
    /// before the package last changed, as the clock of a replica may have it,
    /// that instant counts. So it does for every change of a package.
    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published>;

    /// Marks up to `limit` uploads whose lease has run out as abandoned: from
    /// then on they cannot be committed.
    async fn abandon_uploads(&self, limit: usize) -> Result<usize>;

    /// Up to `limit` uploads that were abandoned at least so long ago.
    async fn abandoned_uploads(&self, ago: Duration, limit: usize) -> Result<Vec<Upload>>;

    /// Forgets an abandoned upload whose bytes are gone.
    async fn forget_upload(&self, id: UploadId) -> Result<()>;
}

/// The changes to what was published: yanks, deprecations, tags, owners.
///
/// Every method fails with [`PackageNotFound`](crate::Error::PackageNotFound)
/// or [`VersionNotFound`](crate::Error::VersionNotFound) before it looks at rights.
#[async_trait]
pub trait VersionStore: Debug + Send + Sync + 'static {
    /// Withdraws a version: removes the tags other than `latest` that name it
    /// and recomputes `latest`. Needs [`Action::Yank`](crate::types::Action).
    /// A yanked version stays as it is, reason and time included.
    async fn yank(&self, yank: &Yank) -> Result<Yanked>;

    /// Takes a yank back and recomputes `latest`; gives the tags that moved.
    /// Needs [`Action::Yank`](crate::types::Action).
    async fn unyank(&self, unyank: &Unyank) -> Result<BTreeMap<DistTag, Version>>;

    /// Sets or removes a version's deprecation message. Needs
    /// [`Action::Yank`](crate::types::Action).
    async fn set_deprecation(&self, deprecation: &Deprecation) -> Result<()>;

    /// Sets a dist-tag, `latest` included. Needs
    /// [`Action::Tag`](crate::types::Action).
    ///
    /// # Errors
    /// [`InvalidTag`](crate::Error::InvalidTag) where the version is yanked.
    async fn set_tag(&self, change: &TagChange) -> Result<()>;

    /// Removes a dist-tag other than `latest` (`change.version` is `None`).
    /// Needs [`Action::Tag`](crate::types::Action).
    ///
    /// # Errors
    /// [`TagNotFound`](crate::Error::TagNotFound).
    async fn remove_tag(&self, change: &TagChange) -> Result<()>;

    /// Adds an owner to a package; nothing happens where the user is one.
    /// Needs [`Action::Manage`](crate::types::Action).
    ///
    /// # Errors
    /// [`UserNotFound`](crate::Error::UserNotFound).
    async fn add_owner(&self, change: &OwnerChange) -> Result<()>;

    /// Removes an owner of a package; nothing happens where the user is none.
    /// Needs [`Action::Manage`](crate::types::Action).
    ///
    /// # Errors
    /// [`LastOwner`](crate::Error::LastOwner) for the only owner of an unscoped
    /// package; [`Forbidden`](crate::Error::Forbidden) for somebody who owns
    /// the package through its scope; [`UserNotFound`](crate::Error::UserNotFound).
    async fn remove_owner(&self, change: &OwnerChange) -> Result<()>;
}

/// What is known of a publish once its manifest was read.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishCheck {
    /// Who publishes.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// The instant of the check.
    pub now: Timestamp,
}

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
    /// How `latest` is chosen.
    pub latest_policy: LatestPolicy,
    /// The instant of the publish.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

/// What a publish made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The instant it was committed.
    pub published_at: Timestamp,
    /// The tags that name the new version, by name.
    pub dist_tags: Vec<DistTag>,
}

/// A yank to make.
#[derive(Clone, Debug)]
pub struct Yank {
    /// Who yanks.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// Why.
    pub reason: Option<String>,
    /// How `latest` is chosen.
    pub latest_policy: LatestPolicy,
    /// The instant of the yank.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

/// A yank that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yanked {
    /// The version as published.
    pub version: Version,
    /// When it was yanked.
    pub yanked_at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// The tags this call moved to another version.
    pub moved_tags: BTreeMap<DistTag, Version>,
    /// The tags this call removed.
    pub removed_tags: Vec<DistTag>,
}

/// A yank to take back.
#[derive(Clone, Debug)]
pub struct Unyank {
    /// Who takes it back.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// How `latest` is chosen.
    pub latest_policy: LatestPolicy,
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

/// A deprecation message to set or remove.
#[derive(Clone, Debug)]
pub struct Deprecation {
    /// Who deprecates.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
    /// The message; `None` removes it.
    pub message: Option<String>,
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

/// A dist-tag to set or remove.
#[derive(Clone, Debug)]
pub struct TagChange {
    /// Who changes it.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The tag.
    pub tag: DistTag,
    /// What it shall name; `None` to remove it.
    pub version: Option<Version>,
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}

/// An owner to add or remove.
#[derive(Clone, Debug)]
pub struct OwnerChange {
    /// Who changes it.
    pub actor: Actor,
    /// The package.
    pub package: PackageName,
    /// The owner.
    pub owner: Username,
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: NewAuditEntry,
}
