use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Forgets deliveries to webhooks that ended long ago.
pub(super) struct ForgetDeliveries;

#[async_trait]
impl PeriodicJob for ForgetDeliveries {
    fn name(&self) -> &'static str {
        "forget_deliveries"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(10)
    }

    fn rests_read_only(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.forget_deliveries().await
    }
}
