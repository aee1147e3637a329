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
        self.registry.prune_old_audit().await?;
        Ok(self.registry.audit_pruning().await?.into_iter().collect())
    }
}
