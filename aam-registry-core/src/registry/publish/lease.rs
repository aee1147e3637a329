use std::{future::Future, sync::Arc, time::Duration};

use crate::{
    error::{Error, Result},
    ports::{Clock, PublishStore},
    types::UploadId,
};

/// How long an upload counts as alive without a sign of life.
pub(in crate::registry) const LEASE: Duration = Duration::from_mins(2);
const RENEW_EVERY: Duration = Duration::from_secs(30);

/// The claim of one upload to its key, kept alive while it moves on, but not
/// past the time an upload may take in all.
#[derive(Debug)]
pub(super) struct Lease {
    upload: UploadId,
    store: Arc<dyn PublishStore>,
    clock: Arc<dyn Clock>,
    /// These two as [`Clock::elapsed`] tells them.
    started: Duration,
    renewed: Duration,
    limit: Duration,
}

impl Lease {
    /// The lease of an upload recorded at `started` that may take `limit`.
    pub(super) fn new(
        upload: UploadId,
        store: Arc<dyn PublishStore>,
        clock: Arc<dyn Clock>,
        started: Duration,
        limit: Duration,
    ) -> Self {
        Self { upload, store, clock, started, renewed: started, limit }
    }

    pub(super) fn upload(&self) -> UploadId {
        self.upload
    }

    /// Renews the lease where that is due.
    ///
    /// # Errors
    /// [`Error::Timeout`] where the upload took too long or was given up.
    pub(super) async fn keep(&mut self) -> Result<()> {
        let now = self.clock.elapsed();
        let left = self.limit.saturating_sub(now.saturating_sub(self.started));
        if left.is_zero() {
            return Err(self.took_too_long());
        }
        if now.saturating_sub(self.renewed) < RENEW_EVERY {
            return Ok(());
        }
        if !self.store.renew_upload(self.upload, LEASE.min(left)).await? {
            return Err(Error::upload_ended());
        }
        self.renewed = now;
        Ok(())
    }

    /// Keeps the lease alive while `work` goes on.
    pub(super) async fn keep_during<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(RENEW_EVERY, &mut work).await {
                Ok(done) => return done,
                Err(_) => self.keep().await?,
            }
        }
    }

    fn took_too_long(&self) -> Error {
        Error::Timeout(format!("The upload took longer than {} s; publish again", self.limit.as_secs()))
    }
}
