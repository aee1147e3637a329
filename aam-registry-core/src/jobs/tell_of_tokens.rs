use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Tells users of API tokens that end soon or are not used any more.
pub(super) struct TellOfTokens;

#[async_trait]
impl PeriodicJob for TellOfTokens {
    fn name(&self) -> &'static str {
        "tell_of_tokens"
    }

    fn period(&self) -> Duration {
        Duration::from_hours(1)
    }

    fn rests_read_only(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.tell_of_tokens().await
    }
}
