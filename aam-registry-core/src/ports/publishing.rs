use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

use crate::{
    decide::{PublishCheck, PublishCommit, Published},
    error::Result,
    types::{NewUpload, Upload, UploadId},
};

/// The transactions of a publish: begin → upload → commit, and the sweep of uploads that were not
/// committed.
///
/// Leases use only the clock of the database: callers pass durations instead of times, because the
/// clocks of replicas differ.
#[async_trait]
pub trait PublishStore: Debug + Send + Sync + 'static {
    /// Records an upload that is about to start.
    async fn begin_upload(&self, upload: &NewUpload) -> Result<()>;

    /// Sets the lease of a live upload to end after `lease` from now; `false` if the upload was
    /// abandoned or committed, or does not exist.
    async fn renew_upload(&self, id: UploadId, lease: Duration) -> Result<bool>;

    /// Fails if a commit of that version could no longer succeed, whatever its tag, with the refusal of
    /// [`PublishCheck::decide`].
    async fn check_publish(&self, check: &PublishCheck) -> Result<()>;

    /// Creates a version from an upload and consumes the upload.
    ///
    /// # Errors
    /// The refusals of [`PublishCommit::decide`]. A failed commit leaves the upload unchanged.
    async fn commit_publish(&self, commit: &PublishCommit) -> Result<Published>;

    /// Marks up to `limit` uploads whose lease has run out as abandoned: from then on they cannot be
    /// committed.
    async fn abandon_uploads(&self, limit: usize) -> Result<usize>;

    /// Up to `limit` uploads that were abandoned at least `ago` ago.
    async fn abandoned_uploads(&self, ago: Duration, limit: usize) -> Result<Vec<Upload>>;

    /// Removes the record of an abandoned upload whose bytes are deleted.
    async fn forget_upload(&self, id: UploadId) -> Result<()>;
}
