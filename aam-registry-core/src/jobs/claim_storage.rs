use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Marks the archive store as this registry's, or finds another's mark.
pub(super) struct ClaimStorage;

#[async_trait]
impl PeriodicJob for ClaimStorage {
    fn name(&self) -> &'static str {
        "claim_storage"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.claim_storage().await.map(drop)
    }
}
