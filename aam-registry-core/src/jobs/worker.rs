use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::health::Health;
use crate::{
    error::Result,
    ports::{JobFailure, JobHandler, JobQueue, JobRetry},
    types::{Job, JobEnd, JobLease, LeasedJob},
};

/// How often the queue is looked at while nothing is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many jobs of a kind are under way at a time: few, since each takes a connection to the database when it ends.
const AT_ONCE: usize = 4;
/// How long an attempt may take.
const LONGEST: Duration = Duration::from_secs(30);
/// How long a job is leased: longer than an attempt and the storing of its end take.
const LEASE: Duration = Duration::from_secs(45);

/// Does the jobs of one kind. Replicas share them by leases.
pub(super) struct Worker {
    queue: Arc<dyn JobQueue>,
    handler: Arc<dyn JobHandler>,
}

impl Worker {
    pub(super) fn new(queue: Arc<dyn JobQueue>, handler: Arc<dyn JobHandler>) -> Self {
        for outcome in ["done", "again", "failed"] {
            let kind = handler.kind().to_owned();
            metrics::counter!("aam_jobs_total", "kind" => kind, "outcome" => outcome).increment(0);
        }
        Self { queue, handler }
    }

    /// Does what is due until `ended`; what was begun is finished.
    pub(super) async fn run(&self, ended: &CancellationToken) {
        let mut health = Health::of(self.handler.kind(), LOOK_EVERY);
        let mut running: FuturesUnordered<BoxFuture<'_, Result<()>>> = FuturesUnordered::new();
        let mut ticks = time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut may_be_more = false;
        loop {
            tokio::select! {
                biased;
                () = ended.cancelled() => break,
                Some(result) = running.next() => {
                    if let Err(error) = result {
                        health.note(Err(error));
                    }
                    if !may_be_more {
                        continue;
                    }
                }
                _ = ticks.tick() => {}
            }
            let free = AT_ONCE - running.len();
            if free == 0 {
                continue;
            }
            let leased = self.queue.lease_jobs(self.handler.kind(), free, JobLease::generate(), LEASE).await;
            may_be_more = leased.as_ref().is_ok_and(|leased| leased.len() == free);
            match leased {
                Ok(leased) => {
                    health.note(Ok(()));
                    running.extend(leased.into_iter().map(|leased| self.attempt(leased).boxed()));
                }
                Err(error) => health.note(Err(error)),
            }
        }
        while let Some(result) = running.next().await {
            if let Err(error) = result {
                health.note(Err(error));
            }
        }
    }

    /// Does a job once, and stores how that ended. Where the end cannot be
    /// stored, the lease runs out and the job is done again.
    async fn attempt(&self, leased: LeasedJob) -> Result<()> {
        let end = self.end_of(&leased.job).await;
        let outcome = match &end {
            JobEnd::Done(_) => "done",
            JobEnd::Again { .. } => "again",
            JobEnd::Failed(_) => "failed",
        };
        if !self.queue.finish_job(&leased, &end).await? {
            return Ok(());
        }
        let (kind, id, attempts) = (self.handler.kind(), leased.job.id, leased.job.attempts);
        metrics::counter!("aam_jobs_total", "kind" => kind.to_owned(), "outcome" => outcome).increment(1);
        match end {
            JobEnd::Done(_) => {}
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

    async fn end_of(&self, job: &Job) -> JobEnd {
        let attempt = AssertUnwindSafe(self.handler.run(job)).catch_unwind();
        let failure = match time::timeout(LONGEST, attempt).await {
            Ok(Ok(Ok(follow_ups))) => return JobEnd::Done(follow_ups),
            Ok(Ok(Err(failure))) => failure,
            Ok(Err(_panic)) => JobFailure::new("the handler of the job panicked"),
            Err(_elapsed) => JobFailure::new(format!("it took longer than {} seconds", LONGEST.as_secs())),
        };
        let JobFailure { message, retry } = failure;
        let patience = self.handler.patience(job.attempts);
        let after = match retry {
            JobRetry::Patiently => patience,
            JobRetry::NotBefore(least) => patience.map(|after| after.max(least)),
            JobRetry::Never => None,
        };
        match after {
            // Jobs that failed together do not come back together.
            Some(after) => JobEnd::Again { after: after.mul_f64(1.0 + rand::random::<f64>() / 5.0), error: message },
            None => JobEnd::Failed(message),
        }
    }
}
