use std::time::Duration;

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Stores when login sessions were last used.
pub(super) struct TouchSessions;

#[async_trait]
impl PeriodicJob for TouchSessions {
    fn name(&self) -> &'static str {
        "touch_sessions"
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
        registry.flush_session_touches().await
    }
}
