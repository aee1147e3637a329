use std::time::Duration;

use async_trait::async_trait;

use super::Sample;
use crate::error::Result;

/// A server or an operation that is measured in a row.
#[async_trait]
pub(crate) trait Contender: Send {
    /// Its name in the table.
    fn name(&self) -> &str;

    /// Does the work of the row for about `time`.
    async fn measure(&mut self, time: Duration) -> Result<Sample>;

    /// Does the work once, so that one-time costs are not measured.
    async fn warm_up(&mut self, time: Duration) -> Result<()> {
        self.measure(time).await.map(drop)
    }
}
