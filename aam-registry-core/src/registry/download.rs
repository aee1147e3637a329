use std::ops::Range;

use super::Registry;
use crate::{
    error::{Error, Result},
    ports::ArchiveContent,
    types::VersionDetail,
};

impl Registry {
    /// Opens a version's archive, or a range of its bytes within its size.
    ///
    /// # Errors
    /// A backend error where the store fails or has lost the archive.
    pub async fn open_archive(&self, version: &VersionDetail, range: Option<Range<u64>>) -> Result<ArchiveContent> {
        let content = self.inner().archives.open(&version.archive, range).await?;
        // A version without its bytes is our fault: never a 404, which clients and caches would believe.
        content.ok_or_else(|| {
            tracing::error!(
                event = "archive_missing",
                package = %version.package,
                version = %version.summary.version,
                archive = %version.archive,
                "an archive that a version refers to is missing",
            );
            Error::storage(format!("archive {} is missing", version.archive), false)
        })
    }

    /// Counts one download. Never waits; the count is stored by
    /// [`flush_downloads`](Self::flush_downloads).
    pub fn count_download(&self, version: &VersionDetail) {
        metrics::counter!("aam_downloads_total").increment(1);
        self.inner().counter.count(version, self.now());
    }

    /// Adds what was counted to the store.
    ///
    /// A batch the store certainly did not add is kept for the next call where
    /// that may succeed; one whose fate is unknown is dropped, since a download
    /// may rather be missed than counted twice.
    ///
    /// # Errors
    /// What the store said.
    pub async fn flush_downloads(&self) -> Result<()> {
        self.inner().counter.flush(&self.inner().downloads).await
    }
}
