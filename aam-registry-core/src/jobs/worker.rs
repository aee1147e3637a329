use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{self, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{attempt::Attempt, health::Health, queue::Queue};
use crate::{error::Error, ports::JobHandler};

/// How often the queue is looked at while nothing is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many jobs of a kind are under way at a time.
const AT_ONCE: usize = 4;

/// Does the jobs of one kind. Replicas share them by leases.
pub(super) struct Worker {
    queue: Queue,
    handler: Arc<dyn JobHandler>,
}

impl Worker {
    pub(super) fn new(queue: Queue, handler: Arc<dyn JobHandler>) -> Self {
        for outcome in ["done", "again", "failed"] {
            let kind = handler.kind().to_owned();
            metrics::counter!("aam_jobs_total", "kind" => kind, "outcome" => outcome).increment(0);
        }
        Self { queue, handler }
    }

    /// Does what is due until `ended`, and waits for the attempts that are
    /// under way. Dropping it cuts them off.
    pub(super) async fn run(&self, ended: &CancellationToken) {
        let mut health = Health::of(self.handler.kind(), LOOK_EVERY);
        // Tasks of their own: a slow database that keeps this loop waiting keeps no attempt from going on.
        let mut attempts = JoinSet::new();
        let mut ticks = time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut may_be_more = false;
        loop {
            tokio::select! {
                biased;
                () = ended.cancelled() => break,
                Some(result) = attempts.join_next() => {
                    if let Err(error) = result.unwrap_or_else(|error| Err(Error::internal(error))) {
                        health.note(Err(error));
                    }
                    if !may_be_more {
                        continue;
                    }
                }
                _ = ticks.tick() => {}
            }
            let free = AT_ONCE - attempts.len();
            if free == 0 {
                continue;
            }
            let leased = health.watch(self.queue.lease_jobs(self.handler.kind(), free)).await;
            may_be_more = leased.as_ref().is_ok_and(|leased| leased.len() == free);
            health.note(leased.map(|leased| {
                for leased in leased {
                    let (queue, handler) = (self.queue.clone(), Arc::clone(&self.handler));
                    attempts.spawn(Attempt { queue, handler, leased }.run());
                }
            }));
        }
        while let Some(result) = attempts.join_next().await {
            if let Err(error) = result.unwrap_or_else(|error| Err(Error::internal(error))) {
                health.note(Err(error));
            }
        }
    }
}
