//! Deletes rows that are no longer kept. Each replica looks now and then whether there are any, and queues the same
//! job, so that one of them deletes them, a part at a time.

use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{
    error::Result,
    ports::{JobFailure, JobHandler},
    registry::Registry,
    types::{Aged, AuditEvent, Job, NewJob},
};

/// Reports how overdue the deletions are, and queues jobs.
pub(super) struct QueueRetention;

#[async_trait]
impl PeriodicJob for QueueRetention {
    fn name(&self) -> &'static str {
        "queue_retention"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(10)
    }

    fn rests_read_only(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        let mut jobs = Vec::new();
        for what in Aged::ALL {
            let (lag, job) = registry.overdue(what).await?;
            record(what.as_str(), lag);
            jobs.extend(job);
        }
        record("audit", registry.audit_overdue().await?);
        if jobs.is_empty() { Ok(()) } else { registry.job_queue().enqueue(&jobs).await }
    }
}

fn record(what: &'static str, lag: Duration) {
    metrics::gauge!("aam_retention_lag_seconds", "what" => what).set(lag);
}

/// Does the job: a part of what is to be deleted, and then the next.
#[derive(Debug)]
pub(super) struct DropAged {
    registry: Registry,
}

impl DropAged {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

#[async_trait]
impl JobHandler for DropAged {
    fn kind(&self) -> &'static str {
        NewJob::DROP_AGED
    }

    fn wants(&self, _: AuditEvent) -> bool {
        false
    }

    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure> {
        let Some(what) = job.payload["what"].as_str().and_then(Aged::parse) else { return Ok(Vec::new()) };
        if self.registry.read_only().await?.is_some() {
            // It is queued again after that ends.
            return Ok(Vec::new());
        }
        let part = job.payload["part"].as_u64().unwrap_or_default();
        let before = self.registry.kept_from(self.registry.policy().retention.of(what));
        let has_more = self.registry.drop_aged(what).await?;
        Ok(before.filter(|_| has_more).map(|before| NewJob::drop_aged(what, before, part + 1)).into_iter().collect())
    }
}
