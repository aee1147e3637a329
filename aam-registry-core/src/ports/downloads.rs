use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    error::Result,
    types::{DayDownloads, DownloadBatch, DownloadQuery},
};

/// Keeps download counts by version and UTC day.
#[async_trait]
pub trait DownloadStore: Debug + Send + Sync + 'static {
    /// Adds a batch of counts; nothing happens where a batch of that id was
    /// added within a day before. Counts of versions that do not exist are dropped.
    async fn add_downloads(&self, batch: &DownloadBatch) -> Result<()>;

    /// Brings the totals that metadata shows up to what was added.
    async fn refresh_totals(&self) -> Result<()>;

    /// Downloads by day; empty where the package does not exist.
    async fn downloads(&self, query: &DownloadQuery) -> Result<DayDownloads>;
}
