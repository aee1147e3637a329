use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{error::Result, registry::Registry};

/// Reports whether the registry is read-only, and logs when that begins and ends.
#[derive(Default)]
pub(super) struct WatchReadOnly {
    was: AtomicBool,
}

#[async_trait]
impl PeriodicJob for WatchReadOnly {
    fn name(&self) -> &'static str {
        "watch_read_only"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        let mode = registry.read_only().await?;
        metrics::gauge!("aam_read_only").set(if mode.is_some() { 1.0 } else { 0.0 });
        let was = self.was.swap(mode.is_some(), Ordering::Relaxed);
        match mode {
            Some(mode) if !was => tracing::warn!(
                event = "read_only_began",
                by = mode.by,
                since = %mode.since,
                reason = mode.reason,
                "READ-ONLY: changes are refused with 503 `read_only`; reads, downloads and logins work, and downloads \
                 are counted and stored later"
            ),
            None if was => tracing::info!(event = "read_only_ended", "read-only mode is over: changes work again"),
            _ => {}
        }
        Ok(())
    }
}
