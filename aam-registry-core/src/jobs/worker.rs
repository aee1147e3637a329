use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::health::Health;
use crate::{
    error::Result,
    ports::{JobFailure, JobHandler, JobQueue, JobRetry},
    types::{Job, JobEnd, JobLease, LeasedJob, metric_kind},
};

/// How often the queue is looked at while nothing is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many jobs of a kind are under way at a time: few, so that none takes all places of its handler.
const AT_ONCE_OF_A_KIND: usize = 4;
/// How many jobs of a handler are under way at a time.
const AT_ONCE_OF_A_HANDLER: usize = 64;
/// How long an attempt may take.
const LONGEST: Duration = Duration::from_secs(30);
/// How long a job is leased: longer than an attempt and the storing of its end take.
const LEASE: Duration = Duration::from_secs(45);

/// Does the queued jobs. Replicas share them by leases.
pub(super) struct Worker {
    queue: Arc<dyn JobQueue>,
    handlers: Vec<Arc<dyn JobHandler>>,
}

/// Jobs under way: each gives its kind, and whether its end was stored.
type Running<'a> = FuturesUnordered<BoxFuture<'a, (String, Result<()>)>>;

/// How many jobs of each kind are under way.
#[derive(Default)]
struct Places(BTreeMap<String, usize>);

impl Places {
    fn taken(&self, kind: &str) -> usize {
        self.0.get(kind).copied().unwrap_or(0)
    }

    fn give_back(&mut self, kind: &str) {
        if let Some(taken) = self.0.get_mut(kind) {
            *taken -= 1;
            if *taken == 0 {
                self.0.remove(kind);
            }
        }
    }
}

impl Worker {
    pub(super) fn new(queue: Arc<dyn JobQueue>, handlers: Vec<Arc<dyn JobHandler>>) -> Self {
        Self { queue, handlers }
    }

    /// Does what is due until `ended`; what was begun is finished.
    pub(super) async fn run(&self, ended: &CancellationToken) {
        let mut health = Health::of("queued_jobs", LOOK_EVERY);
        let mut running = Running::new();
        let mut places = Places::default();
        let mut ticks = time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut may_be_more = false;
        loop {
            tokio::select! {
                biased;
                () = ended.cancelled() => break,
                Some((kind, result)) = running.next() => {
                    places.give_back(&kind);
                    if let Err(error) = result {
                        health.note(Err(error));
                    }
                    if !may_be_more {
                        continue;
                    }
                }
                _ = ticks.tick() => {}
            }
            let looked = self.begin_due(&mut running, &mut places).await;
            may_be_more = looked.as_ref().is_ok_and(|more| *more);
            health.note(looked.map(drop));
        }
        while let Some((_, result)) = running.next().await {
            if let Err(error) = result {
                health.note(Err(error));
            }
        }
    }

    /// Begins jobs that are due, for which there is a place; gives whether there may be more.
    async fn begin_due<'a>(&'a self, running: &mut Running<'a>, places: &mut Places) -> Result<bool> {
        let mut kinds = self.queue.due_kinds().await?;
        // A kind of which much is under way, such as deliveries to a receiver that hangs, comes after the others.
        kinds.sort_by_key(|kind| places.taken(kind));
        let mut may_be_more = false;
        for kind in kinds {
            let Some(handler) = self.handler(&kind) else { continue };
            let of_handler = places.0.iter().filter(|(kind, _)| handles(handler, kind)).map(|(_, taken)| taken);
            let of_handler = AT_ONCE_OF_A_HANDLER.saturating_sub(of_handler.sum());
            let free = of_handler.min(AT_ONCE_OF_A_KIND.saturating_sub(places.taken(&kind)));
            if free == 0 {
                may_be_more = true;
                continue;
            }
            let leased = self.queue.lease_jobs(&kind, free, JobLease::generate(), LEASE).await?;
            may_be_more |= leased.len() == free;
            if !leased.is_empty() {
                begin_at_zero(metric_kind(&kind));
            }
            for leased in leased {
                *places.0.entry(kind.clone()).or_insert(0) += 1;
                running.push(self.attempt(handler, leased).boxed());
            }
        }
        Ok(may_be_more)
    }

    /// What does the jobs of a kind.
    fn handler(&self, kind: &str) -> Option<&Arc<dyn JobHandler>> {
        self.handlers.iter().find(|handler| handles(handler, kind))
    }

    async fn attempt(&self, handler: &Arc<dyn JobHandler>, leased: LeasedJob) -> (String, Result<()>) {
        let kind = leased.job.kind.clone();
        (kind, self.do_once(handler, leased).await)
    }

    /// Does a job once, and stores how that ended. Where the end cannot be
    /// stored, the lease runs out and the job is done again.
    async fn do_once(&self, handler: &Arc<dyn JobHandler>, leased: LeasedJob) -> Result<()> {
        let end = end_of(&**handler, &leased.job).await;
        let outcome = match &end {
            JobEnd::Done(_) | JobEnd::Kept => "done",
            JobEnd::Again { .. } => "again",
            JobEnd::Failed(_) => "failed",
        };
        if !self.queue.finish_job(&leased, &end).await? {
            return Ok(());
        }
        let Job { kind, id, attempts, .. } = &leased.job;
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
}

/// Whether a handler does the jobs of a kind: its own, and those that begin with it and a colon.
fn handles(handler: &Arc<dyn JobHandler>, kind: &str) -> bool {
    let rest = kind.strip_prefix(handler.kind());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Counts no job of a kind so far: a rate tells of the first one only where the count was 0 before.
fn begin_at_zero(kind: &str) {
    for outcome in ["done", "again", "failed"] {
        metrics::counter!("aam_jobs_total", "kind" => kind.to_owned(), "outcome" => outcome).increment(0);
    }
}

/// Does a job once, and decides what becomes of it.
async fn end_of(handler: &dyn JobHandler, job: &Job) -> JobEnd {
    let attempt = AssertUnwindSafe(handler.run(job)).catch_unwind();
    let failure = match time::timeout(LONGEST, attempt).await {
        Ok(Ok(Ok(_))) if handler.keeps(job) => return JobEnd::Kept,
        Ok(Ok(Ok(follow_ups))) => return JobEnd::Done(follow_ups),
        Ok(Ok(Err(failure))) => failure,
        Ok(Err(_panic)) => JobFailure::new("the handler of the job panicked"),
        Err(_elapsed) => JobFailure::new(format!("it took longer than {} seconds", LONGEST.as_secs())),
    };
    let JobFailure { message, retry } = failure;
    let patience = handler.patience(job.attempts);
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
