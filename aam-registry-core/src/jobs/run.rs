use std::{iter, sync::Arc};

use futures_util::future;
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{PeriodicJob, fan_out::FanOut, health::Health, periodic_jobs, subscribers, worker::Worker};
use crate::{ports::JobHandler, registry::Registry};

impl Registry {
    /// Does what has to be done beside the requests until `until` completes,
    /// then stores what was still only counted. Without it, events wait in the
    /// queue, and the audit log gets no positions.
    ///
    /// Safe to run on any number of replicas at once. A step that fails is
    /// logged and tried again at its next turn; a step begun is finished.
    pub async fn run_background(&self, until: impl Future<Output = ()>) {
        let ended = CancellationToken::new();
        let jobs = periodic_jobs();
        let subscribers = [self.job_handlers(), &subscribers(self)].concat();
        let fan_out: Arc<dyn JobHandler> = Arc::new(FanOut { subscribers: subscribers.clone() });
        let handlers = iter::once(fan_out).chain(subscribers).collect();
        let worker = Worker::new(Arc::clone(self.job_queue()), handlers);
        let periodic = future::join_all(jobs.iter().map(|job| self.repeat(&**job, &ended)));
        let ending = async {
            until.await;
            ended.cancel();
        };
        future::join3(periodic, worker.run(&ended), ending).await;
        for job in jobs.iter().filter(|job| job.is_run_last()) {
            Health::of(job.name(), job.period()).note(job.run(self).await);
        }
    }

    async fn repeat(&self, job: &dyn PeriodicJob, ended: &CancellationToken) {
        let mut health = Health::of(job.name(), job.period());
        let mut ticks = time::interval(job.period());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while ended.run_until_cancelled(ticks.tick()).await.is_some() {
            let result = health.watch(job.run(self)).await;
            health.note(result);
        }
    }
}
