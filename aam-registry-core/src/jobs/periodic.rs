use std::time::Duration;

use async_trait::async_trait;

use crate::{error::Result, registry::Registry};

/// Work that every replica does again and again. Safe to be done by several at once.
#[async_trait]
pub(super) trait PeriodicJob: Send + Sync {
    /// Its name in metrics and logs.
    fn name(&self) -> &'static str;

    /// How long it rests between two turns.
    fn period(&self) -> Duration;

    /// Whether it rests while the registry is read-only: it stores what can wait, or deletes something.
    fn rests_read_only(&self) -> bool {
        false
    }

    /// Whether it is done once more when the process ends, so that nothing is lost.
    fn is_run_last(&self) -> bool {
        false
    }

    /// Does it once.
    async fn run(&self, registry: &Registry) -> Result<()>;
}
