use std::{mem, time::Duration};

use futures_util::future;
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Registry;
use crate::error::Result;

/// Work to be done again and again beside the requests.
#[derive(Clone, Copy)]
enum Job {
    SequenceAudit,
    FlushDownloads,
    RefreshTotals,
    SweepUploads,
    TouchTokens,
}

impl Job {
    const ALL: [Self; 5] =
        [Self::SequenceAudit, Self::FlushDownloads, Self::RefreshTotals, Self::SweepUploads, Self::TouchTokens];
    /// What must not be lost when the process ends.
    const LAST: [Self; 3] = [Self::FlushDownloads, Self::TouchTokens, Self::SequenceAudit];

    fn name(self) -> &'static str {
        match self {
            Self::SequenceAudit => "sequence_audit",
            Self::FlushDownloads => "flush_downloads",
            Self::RefreshTotals => "refresh_totals",
            Self::SweepUploads => "sweep_uploads",
            Self::TouchTokens => "touch_tokens",
        }
    }

    fn period(self) -> Duration {
        match self {
            // The contract gives an entry its position within a second.
            Self::SequenceAudit => Duration::from_millis(500),
            Self::FlushDownloads => Duration::from_secs(2),
            // The contract lets download figures be a minute old, and caches keep them for half of that.
            Self::RefreshTotals | Self::TouchTokens => Duration::from_secs(30),
            Self::SweepUploads => Duration::from_mins(1),
        }
    }

    async fn run(self, registry: &Registry) -> Result<()> {
        match self {
            Self::SequenceAudit => registry.sequence_audit().await.map(drop),
            Self::FlushDownloads => registry.flush_downloads().await,
            Self::RefreshTotals => registry.refresh_totals().await,
            Self::SweepUploads => {
                registry.sweep_uploads().await?;
                registry.inner().users.forget_sessions(registry.now()).await
            }
            Self::TouchTokens => registry.flush_token_touches().await,
        }
    }
}

impl Registry {
    /// Does what has to be done beside the requests until `until` completes,
    /// then stores what was still only counted.
    ///
    /// Safe to run on any number of replicas at once. A step that fails is
    /// logged and tried again at its next turn; a step begun is finished.
    pub async fn run_background(&self, until: impl Future<Output = ()>) {
        let ended = CancellationToken::new();
        let work = future::join_all(Job::ALL.map(|job| self.run_until(job, &ended)));
        let ending = async {
            until.await;
            ended.cancel();
        };
        future::join(work, ending).await;
        for job in Job::LAST {
            Health::default().note(job, job.run(self).await);
        }
    }

    async fn run_until(&self, job: Job, ended: &CancellationToken) {
        let mut health = Health::default();
        let mut ticks = time::interval(job.period());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while ended.run_until_cancelled(ticks.tick()).await.is_some() {
            health.note(job, job.run(self).await);
        }
    }
}

/// Whether a job fails: told when that changes, not every time.
#[derive(Default)]
struct Health {
    failing: bool,
}

impl Health {
    fn note(&mut self, job: Job, result: Result<()>) {
        let was_failing = mem::replace(&mut self.failing, result.is_err());
        match result {
            Ok(()) if was_failing => {
                tracing::info!(event = "background_job_recovered", job = job.name(), "background work goes on again");
            }
            Ok(()) => {}
            Err(error) => {
                metrics::counter!("aam_background_failures_total", "job" => job.name()).increment(1);
                if !was_failing {
                    tracing::warn!(
                        event = "background_job_failed",
                        job = job.name(),
                        error = &error as &dyn std::error::Error,
                        "background work failed and will be tried again",
                    );
                }
            }
        }
    }
}
