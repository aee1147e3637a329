//! Uploads on their way to become a version.

use std::time::Duration;

use jiff::Timestamp;

use crate::types::{ArchiveKey, UserId, id::id};

id! {
    /// Identifies one upload attempt.
    UploadId
}

impl UploadId {
    /// When it was generated; the beginning of 1970 where it is no UUIDv7.
    pub fn generated_at(self) -> Timestamp {
        let seconds = self.0.get_timestamp().map_or(0, |time| time.to_unix().0);
        i64::try_from(seconds)
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// An upload to record before its first byte is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    /// Its id; [`ArchiveKey::from`] gives where its bytes go.
    pub id: UploadId,
    /// Who uploads.
    pub user: UserId,
    /// How long it counts as alive from when it is recorded, unless renewed.
    pub lease: Duration,
}

/// An upload whose lease ran out and that can no longer be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Where its bytes are, if any.
    pub archive: ArchiveKey,
    /// When it was marked abandoned.
    pub abandoned_at: Timestamp,
}
