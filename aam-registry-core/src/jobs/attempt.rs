use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time;
use tracing::Instrument;

use super::queue::Queue;
use crate::{
    error::Result,
    ports::{JobFailure, JobHandler, JobRetry, SPANS},
    types::{Job, JobEnd, LeasedJob, metric_kind},
};

/// How long an attempt may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that a job waits for its next attempt, whatever its handler asks for.
const LONGEST_DELAY: Duration = Duration::from_hours(365 * 24);

/// One attempt at a job.
pub(super) struct Attempt {
    pub(super) queue: Queue,
    pub(super) handler: Arc<dyn JobHandler>,
    pub(super) leased: LeasedJob,
}

impl Attempt {
    /// Does the job once, and stores how that ended. Where the end cannot be
    /// stored, the lease runs out and the job is done again.
    pub(super) async fn run(self) -> Result<()> {
        let span = tracing::trace_span!(target: SPANS, "job", job.kind = self.leased.job.kind);
        let end = self.end().instrument(span).await;
        let outcome = match &end {
            JobEnd::Done(_) | JobEnd::Kept => "done",
            JobEnd::Again { .. } => "again",
            JobEnd::Failed(_) => "failed",
        };
        if !self.queue.finish_job(&self.leased, &end).await? {
            return Ok(());
        }
        let Job { kind, id, attempts, .. } = &self.leased.job;
        metrics::counter!("aam_jobs_total", "kind" => metric_kind(kind).to_owned(), "outcome" => outcome).increment(1);
        match end {
            JobEnd::Done(_) | JobEnd::Kept => {}
            JobEnd::Again { after, error } => {
                let seconds = after.as_secs();
                tracing::info!(event = "job_retried", kind, %id, attempts, seconds, error, "a job is tried again later");
            }
            JobEnd::Failed(error) => {
                tracing::warn!(
                    event = "job_failed",
                    kind,
                    %id,
                    attempts,
                    error,
                    "a job was given up; send it back to work with `jobs retry` or remove it with `jobs drop`",
                );
            }
        }
        Ok(())
    }

    /// Does the job, and decides what becomes of it.
    async fn end(&self) -> JobEnd {
        let job = &self.leased.job;
        let before = job.attempts.saturating_sub(1);
        // An attempt that ends stores what becomes of the job. That this one was begun although the one
        // before was the last means that none did: such a job may be what ends the process each time.
        if before > 0 && matches!(self.delay_after(before), Ok(None)) {
            return JobEnd::Failed(format!(
                "attempt {before} never ended: whoever made it died, or could not store its outcome"
            ));
        }
        let attempt = AssertUnwindSafe(async { self.handler.run(job).await }).catch_unwind();
        let failure = match time::timeout(TIMEOUT, attempt).await {
            Ok(Ok(Ok(_))) if self.handler.keeps(job) => return JobEnd::Kept,
            Ok(Ok(Ok(follow_ups))) => return JobEnd::Done(follow_ups),
            Ok(Ok(Err(failure))) => failure,
            Ok(Err(_panic)) => JobFailure::new("the handler of the job panicked"),
            Err(_elapsed) => JobFailure::new(format!("it took longer than {} seconds", TIMEOUT.as_secs())),
        };
        let JobFailure { message: error, retry } = failure;
        let least = match retry {
            JobRetry::Backoff => Duration::ZERO,
            JobRetry::NotBefore(least) => least,
            JobRetry::Never => return JobEnd::Failed(error),
        };
        match self.delay_after(job.attempts) {
            Ok(Some(delay)) => JobEnd::Again { after: spread(delay.max(least)), error },
            Ok(None) => JobEnd::Failed(error),
            Err(Panicked) => JobEnd::Failed(format!("{error}; its handler panicked when asked for the delay")),
        }
    }

    /// After how long the job is tried again that failed for the `attempts`th time; `None` where it is given up.
    fn delay_after(&self, attempts: u64) -> Result<Option<Duration>, Panicked> {
        panic::catch_unwind(AssertUnwindSafe(|| self.handler.retry_delay(attempts))).map_err(|_| Panicked)
    }
}

/// A handler panicked.
struct Panicked;

/// The delay with a random part, so that jobs that failed together do not come back together.
fn spread(delay: Duration) -> Duration {
    let delay = delay.min(LONGEST_DELAY).mul_f64(1.0 + rand::random::<f64>() / 5.0);
    // Databases keep microseconds.
    Duration::new(delay.as_secs(), delay.subsec_micros() * 1000)
}
