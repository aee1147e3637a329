use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Stores the downloads that were counted.
pub(super) struct FlushDownloads;

#[async_trait]
impl PeriodicJob for FlushDownloads {
    fn name(&self) -> &'static str {
        "flush_downloads"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn rests_read_only(&self) -> bool {
        true
    }

    fn is_run_last(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.flush_downloads().await
    }
}
