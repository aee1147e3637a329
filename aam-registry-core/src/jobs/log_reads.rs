use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Writes the downloads that were counted to the audit log, if they are to be there.
pub(super) struct LogReads;

#[async_trait]
impl PeriodicJob for LogReads {
    fn name(&self) -> &'static str {
        "log_reads"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn rests_read_only(&self) -> bool {
        true
    }

    fn is_run_last(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.log_reads().await?;
        // The last entries of a process that ends get their positions before it ends.
        registry.sequence_audit().await.map(drop)
    }
}
