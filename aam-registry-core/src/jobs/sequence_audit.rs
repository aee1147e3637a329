use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Gives new entries of the audit log their position and hash.
pub(super) struct SequenceAudit;

#[async_trait]
impl PeriodicJob for SequenceAudit {
    fn name(&self) -> &'static str {
        "sequence_audit"
    }

    fn period(&self) -> Duration {
        // An entry has its position within a second.
        Duration::from_millis(500)
    }

    fn is_run_last(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.sequence_audit().await.map(drop)
    }
}
