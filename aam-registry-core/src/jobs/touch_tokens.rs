use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Stores when tokens were last used.
pub(super) struct TouchTokens;

#[async_trait]
impl PeriodicJob for TouchTokens {
    fn name(&self) -> &'static str {
        "touch_tokens"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(30)
    }

    fn rests_read_only(&self) -> bool {
        true
    }

    fn is_run_last(&self) -> bool {
        true
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        registry.flush_token_touches().await
    }
}
