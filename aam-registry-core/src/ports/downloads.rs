use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    error::Result,
    types::{DayDownloads, DownloadBatch, DownloadQuery},
};

/// Stores download counts by version and UTC day.
#[async_trait]
pub trait DownloadStore: Debug + Send + Sync + 'static {
    /// Adds a batch of counts. Does nothing if a batch with the same id was added within the last day.
    /// Counts of versions that do not exist are dropped.
    async fn add_downloads(&self, batch: &DownloadBatch) -> Result<()>;

    /// Updates the totals shown in metadata with the added counts.
    async fn refresh_totals(&self) -> Result<()>;

    /// Downloads by day; empty if the package does not exist.
    async fn downloads(&self, query: &DownloadQuery) -> Result<DayDownloads>;
}
