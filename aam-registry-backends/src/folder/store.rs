use std::{io, ops::Range, path::Path, sync::Arc};

use aam_registry_core::{
    Result,
    decide::Audience,
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive},
    types::{ArchiveKey, ArchiveLocation, RegistryId},
};
use async_trait::async_trait;
use http::{Method, Uri};

use super::{
    blocking::{blocking, folder_error},
    files::Files,
    writer::FolderWriter,
};
use crate::archive_rules::{owner_mark, owner_of};

/// Stores archives as files in a folder.
///
/// An archive is written to a part file beside its place, synced and renamed, and its folders are
/// synced, before the write counts as done. File operations run on blocking threads.
#[derive(Clone, Debug)]
pub struct FolderArchives {
    files: Arc<Files>,
}

impl FolderArchives {
    /// Opens the store in `folder`, which is created if it does not exist. Blocks.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let files = Files::create(folder.as_ref()).map_err(folder_error)?;
        Ok(Self { files: Arc::new(files) })
    }

    /// Runs `work` on the files, on a blocking thread.
    async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = Arc::clone(&self.files);
        blocking(move || work(&files)).await
    }
}

#[async_trait]
impl ArchiveStore for FolderArchives {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        Ok(Box::new(FolderWriter::new(Arc::clone(&self.files), key.clone())))
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        let key = key.clone();
        self.on_files(move |files| files.open(&key, range)).await
    }

    async fn redirect(&self, _: &ArchiveLocation, _: &Method, _: Audience) -> Result<Option<Uri>> {
        Ok(None)
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        let key = key.clone();
        self.on_files(move |files| files.size(&key)).await
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        let key = key.clone();
        self.on_files(move |files| files.delete(&key)).await
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        let after = after.cloned();
        self.on_files(move |files| files.finished(after.as_ref(), limit)).await
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        let after = after.cloned();
        self.on_files(move |files| files.unfinished(after.as_ref(), limit)).await
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        let mark = self.on_files(Files::read_owner).await?;
        mark.as_deref().map(owner_of).transpose()
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        self.on_files(move |files| files.write_owner(owner_mark(registry).as_bytes())).await
    }

    async fn check(&self) -> Result<()> {
        self.on_files(Files::check).await
    }
}
