use std::time::Duration;

use super::{Registry, publish::LEASE};
use crate::error::Result;

/// How many uploads one call of a port handles.
const BATCH: usize = 100;

/// How long after its end a revoked session is remembered: replicas whose
/// clocks are behind by less do not take it for one that lives.
const REVOCATION_MARGIN: Duration = Duration::from_hours(1);

/// What a sweep of uploads did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Uploads whose lease had run out and that were marked abandoned.
    pub abandoned: usize,
    /// Abandoned uploads whose bytes were deleted and that were forgotten.
    pub deleted: usize,
    /// Abandoned uploads whose bytes could not be deleted; the next sweep tries again.
    pub failed: usize,
}

impl Registry {
    /// Marks uploads whose lease ran out as abandoned, and deletes the bytes
    /// of those abandoned for longer than any upload could last.
    ///
    /// Safe beside live uploads and other sweepers: what was marked can no
    /// longer be committed, and only then, and later than its writer could
    /// still be at work, its bytes go.
    ///
    /// # Errors
    /// A backend error of the database; a store that fails to delete is only counted.
    pub async fn sweep_uploads(&self) -> Result<SweepReport> {
        let mut report = SweepReport::default();
        loop {
            let marked = self.inner().publishing.abandon_uploads(BATCH).await?;
            report.abandoned += marked;
            if marked < BATCH {
                break;
            }
        }
        self.delete_abandoned(&mut report).await?;
        if report != SweepReport::default() {
            tracing::info!(
                event = "uploads_swept",
                abandoned = report.abandoned,
                deleted = report.deleted,
                failed = report.failed,
                "uploads swept",
            );
        }
        Ok(report)
    }

    /// Forgets sessions and tokens that have ended by themselves.
    pub(crate) async fn forget_sessions(&self) -> Result<()> {
        match self.now().checked_sub(REVOCATION_MARGIN) {
            Ok(ended) => self.inner().users.forget_sessions(ended).await,
            Err(_) => Ok(()),
        }
    }

    async fn delete_abandoned(&self, report: &mut SweepReport) -> Result<()> {
        let longest: Duration = self.policy().upload_timeout + LEASE;
        loop {
            let uploads = self.inner().publishing.abandoned_uploads(longest, BATCH).await?;
            let full = uploads.len() == BATCH;
            let failed_before = report.failed;
            for upload in uploads {
                match self.inner().archives.delete(&upload.archive).await {
                    Ok(()) => {
                        self.inner().publishing.forget_upload(upload.id).await?;
                        report.deleted += 1;
                    }
                    Err(error) => {
                        tracing::warn!(
                            event = "upload_sweep_failed",
                            archive = %upload.archive,
                            error = &error as &dyn std::error::Error,
                            "the bytes of an abandoned upload could not be deleted",
                        );
                        report.failed += 1;
                    }
                }
            }
            // What failed comes back with the next batch: leave it to the next sweep.
            if !full || report.failed > failed_before {
                return Ok(());
            }
        }
    }
}
