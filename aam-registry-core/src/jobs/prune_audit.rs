//! Deletes entries of the audit log that are older than they are to be kept. Each replica looks now and then whether
//! there are any, and queues the same job, so that one of them deletes them.

use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{
    error::Result,
    ports::{JobFailure, JobHandler},
    registry::Registry,
    types::{AuditEvent, Job, NewJob},
};

/// Queues the job, when there is something to delete.
pub(super) struct QueueAuditPruning;

#[async_trait]
impl PeriodicJob for QueueAuditPruning {
    fn name(&self) -> &'static str {
        "queue_audit_pruning"
    }

    fn period(&self) -> Duration {
        Duration::from_hours(1)
    }

    fn rests_read_only(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        let Some(job) = registry.audit_pruning().await? else { return Ok(()) };
        registry.job_queue().enqueue(&[job]).await
    }
}

/// Does the job: a part of what is to be deleted, and then the next.
#[derive(Debug)]
pub(super) struct PruneAudit {
    registry: Registry,
}

impl PruneAudit {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

#[async_trait]
impl JobHandler for PruneAudit {
    fn kind(&self) -> &'static str {
        NewJob::PRUNE_AUDIT
    }

    fn wants(&self, _: AuditEvent) -> bool {
        false
    }

    async fn run(&self, _: &Job) -> Result<Vec<NewJob>, JobFailure> {
        if self.registry.read_only().await?.is_some() {
            // It is queued again within an hour after that ends.
            return Ok(Vec::new());
        }
        self.registry.prune_old_audit().await?;
        Ok(self.registry.audit_pruning().await?.into_iter().collect())
    }
}
