use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Brings the download figures of metadata up to date.
pub(super) struct RefreshTotals;

#[async_trait]
impl PeriodicJob for RefreshTotals {
    fn name(&self) -> &'static str {
        "refresh_totals"
    }

    fn period(&self) -> Duration {
        // Figures may be a minute old, and caches keep them for half of that.
        Duration::from_secs(30)
    }

    fn rests_read_only(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.refresh_totals().await
    }
}
