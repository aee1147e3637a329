use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use async_trait::async_trait;

use crate::{
    decide::{Deprecation, OwnerChange, PublishCheck, PublishCommit, Published, TagChange, Unyank, Yank, Yanked},
    error::Result,
    types::{DistTag, NewUpload, Upload, UploadId, Version},
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
    /// succeed any more, with what [`PublishCheck::decide`] refuses.
    async fn check_publish(&self, check: &PublishCheck) -> Result<()>;

    /// Makes an upload a version and consumes it.
    ///
    /// # Errors
    /// What [`PublishCommit::decide`] refuses. A failed commit leaves the
    /// upload as it was.
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
/// Each makes what the command decides, or fails with what it refuses.
#[async_trait]
pub trait VersionStore: Debug + Send + Sync + 'static {
    /// Withdraws a version.
    async fn yank(&self, yank: &Yank) -> Result<Yanked>;

    /// Takes a yank back; gives the tags that moved.
    async fn unyank(&self, unyank: &Unyank) -> Result<BTreeMap<DistTag, Version>>;

    /// Sets or removes a version's deprecation message.
    async fn set_deprecation(&self, deprecation: &Deprecation) -> Result<()>;

    /// Sets a dist-tag, `latest` included, or removes one other than `latest`.
    async fn change_tag(&self, change: &TagChange) -> Result<()>;

    /// Adds an owner to a package, or removes one.
    async fn change_owner(&self, change: &OwnerChange) -> Result<()>;
}
