use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Brings the search index up to date, so that no search has many changes to read.
pub(super) struct PrepareSearches;

#[async_trait]
impl PeriodicJob for PrepareSearches {
    fn name(&self) -> &'static str {
        "prepare_searches"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.prepare_searches().await
    }
}
