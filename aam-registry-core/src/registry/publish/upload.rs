use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{crowd::UploadPlace, judging::Judging, lease::Lease};
use crate::{
    error::{Error, Result},
    ports::ArchiveWriter,
    registry::Registry,
    types::{ArchiveKey, Principal},
};

/// One publish under way.
///
/// Dropping it leaves nothing visible; the sweeper cleans up.
#[derive(Debug)]
pub struct Publish {
    pub(super) attempt: Attempt,
    /// `None` once it has failed, or a call on it was dropped midway.
    pub(super) upload: Option<Upload>,
}

/// What is known of a publish whatever becomes of its upload.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) registry: Registry,
    pub(super) by: Principal,
    pub(super) key: ArchiveKey,
    /// When it began, as [`Clock::elapsed`](crate::ports::Clock::elapsed) tells it.
    pub(super) started: Duration,
    /// How many bytes came so far.
    pub(super) received: u64,
    /// Of those bytes.
    pub(super) hasher: Sha256,
    /// Taken until the publish has ended, one way or the other.
    pub(super) _place: Arc<UploadPlace>,
}

/// What is alive of an upload until it fails or finishes.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) lease: Lease,
    pub(super) writer: Box<dyn ArchiveWriter>,
    pub(super) judging: Judging,
}

/// Why an upload does not go on.
enum Stop {
    /// The judge knows.
    Refused,
    /// Something else failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Publish {
    /// Takes the next bytes of the archive.
    ///
    /// Fails as soon as it is known that the publish cannot succeed; nothing
    /// more can be written then.
    ///
    /// # Errors
    /// [`Error::PayloadTooLarge`], [`Error::InvalidArchive`],
    /// [`Error::InvalidManifest`], [`Error::NameReserved`],
    /// [`Error::Forbidden`], [`Error::NameTooSimilar`],
    /// [`Error::VersionExists`], [`Error::Timeout`], or a backend error.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let mut upload = self.take_upload()?;
        self.attempt.received = self.attempt.received.saturating_add(bytes.len() as u64);
        self.attempt.hasher.update(&bytes);
        match self.attempt.store(&mut upload, bytes).await {
            Ok(()) => {
                self.upload = Some(upload);
                Ok(())
            }
            Err(stop) => Err(upload.give_up(stop).await),
        }
    }

    /// Takes the upload out while a call works on it, so that one dropped
    /// midway, with who knows how many bytes stored, cannot be continued.
    pub(super) fn take_upload(&mut self) -> Result<Upload> {
        self.upload.take().ok_or_else(|| Error::internal("a publish was continued after it had failed"))
    }
}

impl Attempt {
    async fn store(&self, upload: &mut Upload, bytes: Bytes) -> Result<(), Stop> {
        let max = self.registry.policy().archive_limits.max_archive_size();
        if self.received > max {
            return Err(Stop::Failed(Error::PayloadTooLarge(format!(
                "The archive is larger than the {max} bytes this registry takes; leave files out or split the package"
            ))));
        }
        upload.lease.keep().await?;
        if !upload.judging.feed(bytes.clone()).await {
            return Err(Stop::Refused);
        }
        upload.writer.write(bytes).await?;
        Ok(())
    }
}

impl Upload {
    async fn give_up(self, stop: Stop) -> Error {
        let error = match stop {
            Stop::Failed(error) => error,
            Stop::Refused => match self.judging.end().await {
                Err(error) => error,
                Ok(_) => Error::internal("the judge approved an archive before its end"),
            },
        };
        abort(self.writer).await;
        count_failure(&error);
        error
    }
}

/// Removes what was written, where that works: the sweeper does the rest.
pub(super) async fn abort(writer: Box<dyn ArchiveWriter>) {
    if let Err(error) = writer.abort().await {
        tracing::debug!(
            event = "upload_abort_failed",
            error = &error as &dyn std::error::Error,
            "what was stored of a failed upload stays until the sweep",
        );
    }
}

/// Counts a publish that came to nothing.
pub(super) fn count_failure(error: &Error) {
    let outcome = if error.code().status() < 500 { "refused" } else { "failed" };
    metrics::counter!("aam_publishes_total", "outcome" => outcome).increment(1);
}
