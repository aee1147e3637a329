use std::{future::Future, time::Duration};

use futures_util::{
    FutureExt,
    future::{self, BoxFuture, Either},
};
use tokio::{
    sync::watch,
    time::{self, MissedTickBehavior},
};

use super::Registry;
use crate::error::Result;

const SEQUENCE_EVERY: Duration = Duration::from_millis(500);
const FLUSH_DOWNLOADS_EVERY: Duration = Duration::from_secs(2);
const REFRESH_TOTALS_EVERY: Duration = Duration::from_mins(1);
const SWEEP_EVERY: Duration = Duration::from_mins(1);
const TOUCH_TOKENS_EVERY: Duration = Duration::from_secs(30);

/// One turn of a job. Boxed over an owned registry, so that the whole work can be spawned.
type Step = fn(Registry) -> BoxFuture<'static, Result<()>>;

const JOBS: [(&str, Duration, Step); 5] = [
    ("audit_sequencing", SEQUENCE_EVERY, |registry| async move { registry.sequence_audit().await.map(drop) }.boxed()),
    ("download_flush", FLUSH_DOWNLOADS_EVERY, |registry| async move { registry.flush_downloads().await }.boxed()),
    ("totals_refresh", REFRESH_TOTALS_EVERY, |registry| async move { registry.refresh_totals().await }.boxed()),
    ("upload_sweep", SWEEP_EVERY, |registry| async move { registry.sweep().await }.boxed()),
    ("token_touches", TOUCH_TOKENS_EVERY, |registry| async move { registry.flush_token_touches().await }.boxed()),
];

impl Registry {
    /// Does what has to be done beside the requests until `until` completes,
    /// then stores what was still only counted.
    ///
    /// Safe to run on any number of replicas at once. A step that fails is
    /// logged and tried again at its next turn.
    pub async fn run_background(&self, until: impl Future<Output = ()>) {
        let (stop, is_stopped) = watch::channel(false);
        let work = future::join_all(
            JOBS.map(|(job, period, step)| every(job, period, is_stopped.clone(), move || step(self.clone()))),
        );
        let stop = async {
            until.await;
            stop.send_replace(true);
        };
        future::join(work, stop).await;
        report("download_flush", self.flush_downloads().await);
        report("token_touches", self.flush_token_touches().await);
        report("audit_sequencing", self.sequence_audit().await.map(drop));
    }

    async fn sweep(&self) -> Result<()> {
        self.sweep_uploads().await?;
        self.inner().users.forget_sessions(self.now()).await
    }
}

/// Does `step` every `period` until `stopped`; a step begun is finished.
async fn every(
    job: &'static str,
    period: Duration,
    mut stopped: watch::Receiver<bool>,
    step: impl Fn() -> BoxFuture<'static, Result<()>>,
) {
    let mut ticks = time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let stop = std::pin::pin!(stopped.wait_for(|stopped| *stopped));
        let tick = std::pin::pin!(ticks.tick());
        // What ends the wait holds a lock guard, which must be gone before the turn.
        let is_stopped = matches!(future::select(stop, tick).await, Either::Left(_));
        if is_stopped {
            return;
        }
        report(job, step().await);
    }
}

fn report(job: &'static str, result: Result<()>) {
    if let Err(error) = result {
        metrics::counter!("aam_background_failures_total", "job" => job).increment(1);
        tracing::warn!(
            event = "background_job_failed",
            job,
            error = &error as &dyn std::error::Error,
            "background work failed and will be tried again",
        );
    }
}
