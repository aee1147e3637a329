use std::{fmt::Debug, ops::Range, sync::Arc};

use async_trait::async_trait;

use super::{ArchiveContent, ArchiveStore};
use crate::{error::Result, types::ArchiveLocation};

/// Opens published archives. It is given everything that is known about an archive, so that a cache in
/// front of an [`ArchiveStore`] can verify the bytes.
#[async_trait]
pub trait ArchiveSource: Debug + Send + Sync + 'static {
    /// Opens the archive, or a `range` of its bytes (within its size); `None` if it does not exist.
    async fn open(&self, archive: &ArchiveLocation, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>>;
}

/// The store itself, without a cache.
#[async_trait]
impl ArchiveSource for Arc<dyn ArchiveStore> {
    async fn open(&self, archive: &ArchiveLocation, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        self.as_ref().open(&archive.archive, range).await
    }
}
