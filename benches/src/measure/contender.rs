use std::time::Duration;

use async_trait::async_trait;

use super::Sample;
use crate::error::Result;

/// Somebody who takes part in a row.
#[async_trait]
pub(crate) trait Contender: Send {
    /// What the table calls it.
    fn name(&self) -> &str;

    /// Does the work of the row for about `time`.
    async fn measure(&mut self, time: Duration) -> Result<Sample>;

    /// Does the work once so that what only happens at first is over.
    async fn warm_up(&mut self, time: Duration) -> Result<()> {
        self.measure(time).await.map(drop)
    }
}
