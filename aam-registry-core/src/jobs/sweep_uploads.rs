use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Deletes what uploads left that never ended, and forgets sessions and tokens that ended by
/// themselves.
pub(super) struct SweepUploads;

#[async_trait]
impl PeriodicJob for SweepUploads {
    fn name(&self) -> &'static str {
        "sweep_uploads"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn rests_read_only(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.sweep_uploads().await?;
        registry.forget_sessions().await
    }
}
