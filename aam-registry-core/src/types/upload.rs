//! Uploads of archives that are not versions yet.

use std::time::Duration;

use jiff::Timestamp;

use crate::types::{ArchiveKey, UploadId, UserId};

/// An upload to record before its first byte is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    /// Its id; [`ArchiveKey::from`] gives the key of its bytes.
    pub id: UploadId,
    /// The user who uploads.
    pub user: UserId,
    /// How long the lease lasts, from the time it is recorded, unless renewed.
    pub lease: Duration,
}

/// An upload whose lease ran out and that can no longer be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Where its bytes are stored, if there are any.
    pub archive: ArchiveKey,
    /// When it was marked abandoned.
    pub abandoned_at: Timestamp,
}
