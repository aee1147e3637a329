use std::{iter, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{self, Either};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{PeriodicJob, fan_out::FanOut, health::Health, periodic_jobs, queue::Queue, subscribers, worker::Worker};
use crate::{error::Result, ports::JobHandler, registry::Registry};

/// How long attempts at jobs may still take when the process ends.
const LAST_ATTEMPTS: Duration = Duration::from_secs(2);

impl Registry {
    /// Does what has to be done beside the requests until `until` completes,
    /// then stores what was still only counted. Without it, events wait in the
    /// queue, and the audit log gets no positions.
    ///
    /// Safe to run on any number of replicas at once. A step that fails or
    /// panics is logged and tried again at its next turn. In the end a step
    /// begun is finished, but a queued job that takes longer than two seconds
    /// more is cut off, and done again when its lease has run out.
    ///
    /// Ends only after `until` does.
    pub async fn run_background(&self, until: impl Future<Output = ()>) {
        let ended = CancellationToken::new();
        let jobs = periodic_jobs();
        let periodic = future::join_all(jobs.iter().map(|job| self.repeat(&**job, &ended)));
        let ending = async {
            until.await;
            ended.cancel();
        };
        future::join3(periodic, self.work(&ended), ending).await;
    }

    /// Does queued jobs until `ended`.
    async fn work(&self, ended: &CancellationToken) {
        let subscribers = [self.job_handlers(), &subscribers(self)].concat();
        let fan_out: Arc<dyn JobHandler> = Arc::new(FanOut { subscribers: subscribers.clone() });
        let handlers = iter::once(fan_out).chain(subscribers).collect();
        let worker = Worker::new(Queue::new(Arc::clone(self.job_queue())), handlers);
        let working = pin!(worker.run(ended));
        let cut_off = pin!(async {
            ended.cancelled().await;
            time::sleep(LAST_ATTEMPTS).await;
        });
        if let Either::Right(_) = future::select(working, cut_off).await {
            tracing::info!(
                event = "jobs_cut_off",
                "queued jobs that take long were cut off; they are done again later"
            );
        }
    }

    /// Does a periodic job once, unless it rests now.
    async fn turn(&self, job: &dyn PeriodicJob) -> Result<()> {
        if job.rests_read_only() && self.read_only().await?.is_some() {
            return Ok(());
        }
        job.run(self).await
    }

    /// Does a periodic job at each of its turns until `ended`, and then once
    /// more where it says so, whatever else is still under way.
    pub(super) async fn repeat(&self, job: &dyn PeriodicJob, ended: &CancellationToken) {
        let mut health = Health::of(job.name(), job.period());
        let mut ticks = time::interval(job.period());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while ended.run_until_cancelled(ticks.tick()).await.is_some() {
            let result = health.watch(self.turn(job)).await;
            health.note(result);
        }
        if job.is_run_last() {
            let result = health.watch(job.run(self)).await;
            health.note(result);
        }
    }
}
