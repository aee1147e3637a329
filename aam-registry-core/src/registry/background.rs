use std::{mem, pin::pin, time::Duration};

use futures_util::future::{self, Either};
use tokio::time::{self, Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Registry;
use crate::error::Result;

/// How often work that takes its time is told to be overdue.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Work to be done again and again beside the requests.
#[derive(Clone, Copy)]
enum Job {
    SequenceAudit,
    FlushDownloads,
    RefreshTotals,
    SweepUploads,
    TouchTokens,
    PrepareSearches,
    ClaimStorage,
}

impl Job {
    const ALL: [Self; 7] = [
        Self::SequenceAudit,
        Self::FlushDownloads,
        Self::RefreshTotals,
        Self::SweepUploads,
        Self::TouchTokens,
        Self::PrepareSearches,
        Self::ClaimStorage,
    ];
    /// What must not be lost when the process ends.
    const LAST: [Self; 3] = [Self::FlushDownloads, Self::TouchTokens, Self::SequenceAudit];

    fn name(self) -> &'static str {
        match self {
            Self::SequenceAudit => "sequence_audit",
            Self::FlushDownloads => "flush_downloads",
            Self::RefreshTotals => "refresh_totals",
            Self::SweepUploads => "sweep_uploads",
            Self::TouchTokens => "touch_tokens",
            Self::PrepareSearches => "prepare_searches",
            Self::ClaimStorage => "claim_storage",
        }
    }

    fn period(self) -> Duration {
        match self {
            // The contract gives an entry its position within a second.
            Self::SequenceAudit => Duration::from_millis(500),
            Self::FlushDownloads => Duration::from_secs(2),
            Self::PrepareSearches | Self::ClaimStorage => Duration::from_secs(10),
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
                registry.forget_sessions().await
            }
            Self::TouchTokens => registry.flush_token_touches().await,
            Self::PrepareSearches => registry.prepare_searches().await,
            Self::ClaimStorage => registry.claim_storage().await.map(drop),
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
            Health::of(job).note(job.run(self).await);
        }
    }

    async fn run_until(&self, job: Job, ended: &CancellationToken) {
        let mut health = Health::of(job);
        let mut ticks = time::interval(job.period());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while ended.run_until_cancelled(ticks.tick()).await.is_some() {
            let result = health.watch(job.run(self)).await;
            health.note(result);
        }
    }
}

/// How a job does: whether it fails, told when that changes, and since when it was last done.
struct Health {
    job: Job,
    failing: bool,
    done: Instant,
}

impl Health {
    fn of(job: Job) -> Self {
        // A rate tells of the first failure only where the count was 0 before.
        metrics::counter!("aam_background_failures_total", "job" => job.name()).increment(0);
        Self { job, failing: false, done: Instant::now() }
    }

    /// Waits for the job, and tells meanwhile how long it is overdue.
    async fn watch<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            self.tell_lag();
            if let Either::Left((result, _)) = future::select(work.as_mut(), pin!(time::sleep(TELL_EVERY))).await {
                return result;
            }
        }
    }

    /// For how long the job should have been done once more.
    fn tell_lag(&self) {
        let lag = self.done.elapsed().saturating_sub(self.job.period());
        metrics::gauge!("aam_background_job_lag_seconds", "job" => self.job.name()).set(lag);
    }

    fn note(&mut self, result: Result<()>) {
        let job = self.job;
        if result.is_ok() {
            self.done = Instant::now();
        }
        self.tell_lag();
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::error::Error;

    #[tokio::test]
    async fn a_job_is_overdue_until_it_is_done() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let told = || {
            let text = metrics.render();
            let lag = text
                .lines()
                .find_map(|line| line.strip_prefix(r#"aam_background_job_lag_seconds{job="sequence_audit"} "#));
            Duration::from_secs_f64(lag.expect("told").parse().expect("a number"))
        };
        let mut health = Health::of(Job::SequenceAudit);
        health.note(Ok(()));
        assert_eq!(told(), Duration::ZERO);
        health.done -= Duration::from_mins(1);
        assert_eq!(health.watch(future::pending::<()>()).now_or_never(), None, "it hangs");
        assert!(told() >= Duration::from_secs(59), "{:?}", told());
        health.done -= Duration::from_mins(1);
        health.note(Err(Error::Overloaded));
        assert!(told() >= Duration::from_secs(119), "{:?}", told());
        health.note(Ok(()));
        assert_eq!(told(), Duration::ZERO);
    }
}
