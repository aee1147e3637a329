use std::{fmt::Debug, ops::Range, sync::Arc};

use async_trait::async_trait;

use super::{ArchiveContent, ArchiveStore};
use crate::{error::Result, types::ArchiveLocation};

/// Opens published archives by all that is known of them: where what is kept
/// in front of an [`ArchiveStore`] can tell right bytes from wrong ones.
#[async_trait]
pub trait ArchiveSource: Debug + Send + Sync + 'static {
    /// Opens the archive, or the `range` of its bytes (within its size);
    /// `None` where it is not there.
    async fn open(&self, archive: &ArchiveLocation, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>>;
}

/// The store itself, with nothing in front.
#[async_trait]
impl ArchiveSource for Arc<dyn ArchiveStore> {
    async fn open(&self, archive: &ArchiveLocation, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        self.as_ref().open(&archive.archive, range).await
    }
}
