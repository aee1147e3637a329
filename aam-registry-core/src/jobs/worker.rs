use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    task::{self, JoinSet},
    time::{self, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;

use super::{attempt::Attempt, health::Health, queue::Queue};
use crate::{
    error::{Error, Result},
    ports::JobHandler,
    types::{is_kind_of, metric_kind},
};

/// How often the queue is looked at while nothing is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many jobs of a kind are under way at a time: few, so that none takes all places of its handler.
const AT_ONCE_OF_A_KIND: usize = 4;
/// How many jobs of a handler are under way at a time.
const AT_ONCE_OF_A_HANDLER: usize = 64;

/// Does the queued jobs. Replicas share them by leases.
pub(super) struct Worker {
    queue: Queue,
    handlers: Vec<Arc<dyn JobHandler>>,
}

/// The attempts under way, and the kind of each. They are tasks of their own: a slow
/// database that keeps the worker waiting keeps no attempt from going on.
#[derive(Default)]
struct Running {
    attempts: JoinSet<Result<()>>,
    kinds: HashMap<task::Id, String>,
}

impl Running {
    fn begin(&mut self, kind: String, attempt: Attempt) {
        let task = self.attempts.spawn(attempt.run());
        self.kinds.insert(task.id(), kind);
    }

    /// The end of the next attempt that ends: whether what becomes of the job was stored.
    async fn next(&mut self) -> Option<Result<()>> {
        let (id, result) = match self.attempts.join_next_with_id().await? {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(Error::internal(error))),
        };
        self.kinds.remove(&id);
        Some(result)
    }

    fn of_kind(&self, kind: &str) -> usize {
        self.kinds.values().filter(|one| **one == kind).count()
    }

    fn of_handler(&self, handler: &Arc<dyn JobHandler>) -> usize {
        self.kinds.values().filter(|kind| handles(handler, kind)).count()
    }
}

impl Worker {
    pub(super) fn new(queue: Queue, handlers: Vec<Arc<dyn JobHandler>>) -> Self {
        Self { queue, handlers }
    }

    /// Does what is due until `ended`, and waits for the attempts that are
    /// under way. Dropping it cuts them off.
    pub(super) async fn run(&self, ended: &CancellationToken) {
        self.handlers.iter().for_each(|handler| begin_at_zero(handler.kind()));
        let mut health = Health::of("queued_jobs", LOOK_EVERY);
        let mut running = Running::default();
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
            let looked = health.watch(self.begin_due(&mut running)).await;
            may_be_more = looked.as_ref().is_ok_and(|more| *more);
            health.note(looked.map(drop));
        }
        while let Some(result) = running.next().await {
            if let Err(error) = result {
                health.note(Err(error));
            }
        }
    }

    /// Begins jobs that are due, for which there is a place; gives whether there may be more.
    async fn begin_due(&self, running: &mut Running) -> Result<bool> {
        let mut kinds = self.queue.due_kinds().await?;
        // A kind of which much is under way, such as deliveries to a receiver that hangs, comes after the others.
        kinds.sort_by_key(|kind| running.of_kind(kind));
        let mut may_be_more = false;
        for kind in kinds {
            let Some(handler) = self.handler(&kind) else { continue };
            let of_handler = AT_ONCE_OF_A_HANDLER.saturating_sub(running.of_handler(handler));
            let free = of_handler.min(AT_ONCE_OF_A_KIND.saturating_sub(running.of_kind(&kind)));
            if free == 0 {
                may_be_more = true;
                continue;
            }
            let leased = self.queue.lease_jobs(&kind, free).await?;
            may_be_more |= leased.len() == free;
            if !leased.is_empty() {
                begin_at_zero(metric_kind(&kind));
            }
            for leased in leased {
                let (queue, handler) = (self.queue.clone(), Arc::clone(handler));
                running.begin(kind.clone(), Attempt { queue, handler, leased });
            }
        }
        Ok(may_be_more)
    }

    /// What does the jobs of a kind.
    fn handler(&self, kind: &str) -> Option<&Arc<dyn JobHandler>> {
        self.handlers.iter().find(|handler| handles(handler, kind))
    }
}

/// Whether a handler does the jobs of a kind: its own, and those that begin with it and a colon.
fn handles(handler: &Arc<dyn JobHandler>, kind: &str) -> bool {
    is_kind_of(handler.kind(), kind)
}

/// Counts no job of a kind so far: a rate tells of the first one only where the count was 0 before.
fn begin_at_zero(kind: &str) {
    for outcome in ["done", "again", "failed"] {
        metrics::counter!("aam_jobs_total", "kind" => kind.to_owned(), "outcome" => outcome).increment(0);
    }
}
