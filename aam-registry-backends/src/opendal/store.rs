use std::{io, ops::Range, sync::Arc, time::SystemTime};

use aam_registry_core::{
    Result,
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive},
    types::{ArchiveKey, ArchiveLocation},
};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use http::{Method, Uri};
use jiff::Timestamp;
use opendal::{
    Entry, EntryMode, ErrorKind, Operator,
    services::{Fs, Memory},
};

use super::{OpendalConfig, folder::Folder, folder_error, storage_error, writer::OpendalWriter};

/// Up to this size an archive is read at once rather than opened or streamed.
pub(super) const SMALL: u64 = 64 * 1024;

/// The largest chunk in which a remote archive is read.
const READ_CHUNK: usize = 256 * 1024;

/// Keeps archives through OpenDAL.
///
/// On a local folder an archive is written beside its place, synced, renamed,
/// and its folders are synced too, before it counts as written.
#[derive(Clone, Debug)]
pub struct OpendalArchives {
    operator: Operator,
    folder: Option<Arc<Folder>>,
}

impl OpendalArchives {
    /// Connects to the store that `config` names. Blocks for as long as it
    /// takes to create a folder.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub fn new(config: &OpendalConfig) -> Result<Self> {
        opendal::install_default();
        match config {
            OpendalConfig::Fs { root } => {
                let folder = Folder::create(root).map_err(folder_error)?;
                let service = Fs::default().root(&folder.root().to_string_lossy());
                let operator = Operator::new(service).map_err(storage_error)?;
                Ok(Self { operator, folder: Some(Arc::new(folder)) })
            }
            OpendalConfig::Memory => {
                let operator = Operator::new(Memory::default()).map_err(storage_error)?;
                Ok(Self { operator, folder: None })
            }
        }
    }

    /// The entries of one folder by path, folders with a slash at the end.
    async fn entries(&self, folder: &str) -> Result<Vec<Entry>> {
        let mut entries = match self.operator.list(folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(storage_error(error)),
        };
        entries.retain(|entry| entry.path() != folder);
        entries.sort_unstable_by(|a, b| a.path().cmp(b.path()));
        Ok(entries)
    }

    /// Fails where the folder is gone; there is none elsewhere.
    async fn check_folder(&self) -> Result<()> {
        let Some(folder) = self.folder.clone() else { return Ok(()) };
        blocking(move || folder.check()).await
    }

    /// What a listing says of an archive; `None` where it was deleted meanwhile.
    async fn stored(&self, key: ArchiveKey, entry: Entry) -> Result<Option<StoredArchive>> {
        // Some services list names alone.
        let metadata = if entry.metadata().mode() == EntryMode::FILE {
            entry.metadata().clone()
        } else {
            match self.operator.stat(key.as_str()).await {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(storage_error(error)),
            }
        };
        let modified_at = metadata.last_modified().and_then(|time| Timestamp::try_from(SystemTime::from(time)).ok());
        Ok(Some(StoredArchive { key, size: metadata.content_length(), modified_at }))
    }

    async fn open_remote(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> opendal::Result<ArchiveContent> {
        let range = match range {
            Some(range) => range,
            None => 0..self.operator.stat(key.as_str()).await?.content_length(),
        };
        let len = range.end.saturating_sub(range.start);
        if len <= SMALL {
            let bytes = self.operator.read_with(key.as_str()).range(range).await?;
            return Ok(ArchiveContent::Bytes(bytes.to_bytes()));
        }
        // Asked before the first chunk, so that what is missing is not found out half-way through an answer.
        self.operator.stat(key.as_str()).await?;
        let reader = self.operator.reader_with(key.as_str()).chunk(READ_CHUNK).await?;
        let stream = reader.into_bytes_stream(range).await?;
        Ok(ArchiveContent::Stream { stream: Box::pin(stream.map_err(io::Error::other)), len })
    }
}

#[async_trait]
impl ArchiveStore for OpendalArchives {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        // OpenDAL would make a missing folder anew, and a disk mounted over it later hide what was written.
        self.check_folder().await?;
        let writer = OpendalWriter::create(&self.operator, self.folder.clone(), key).await?;
        Ok(Box::new(writer))
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        if let Some(folder) = &self.folder {
            let (folder, key) = (folder.clone(), key.clone());
            return blocking(move || folder.open(&key, range)).await;
        }
        match self.open_remote(key, range).await {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(storage_error(error)),
        }
    }

    async fn redirect(&self, _location: &ArchiveLocation, _method: &Method) -> Result<Option<Uri>> {
        Ok(None)
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        match self.operator.stat(key.as_str()).await {
            Ok(metadata) => Ok(Some(metadata.content_length())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(storage_error(error)),
        }
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        if self.folder.is_some() {
            self.operator.delete(&Folder::part(key)).await.map_err(storage_error)?;
        }
        self.operator.delete(key.as_str()).await.map_err(storage_error)
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        let mut listed = Vec::new();
        // No service lists in order for certain; one folder at a time bounds what has to be sorted.
        for folder in self.entries(ArchiveKey::PREFIX).await? {
            // "archives/ab/" and all in it comes before a key such as "archives/cd/…".
            let passed =
                after.is_some_and(|after| folder.path() < after.as_str() && !after.as_str().starts_with(folder.path()));
            if passed || !folder.path().ends_with('/') {
                continue;
            }
            for entry in self.entries(folder.path()).await? {
                let Ok(key) = entry.path().parse::<ArchiveKey>() else { continue };
                if after.is_some_and(|after| key <= *after) {
                    continue;
                }
                if listed.len() == limit {
                    return Ok(listed);
                }
                listed.extend(self.stored(key, entry).await?);
            }
        }
        Ok(listed)
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        let Some(folder) = self.folder.clone() else { return Ok(Vec::new()) };
        let after = after.cloned();
        blocking(move || folder.unfinished(after.as_ref(), limit)).await
    }

    async fn check(&self) -> Result<()> {
        match self.folder {
            Some(_) => self.check_folder().await,
            None => self.operator.check().await.map_err(storage_error),
        }
    }
}

/// Runs file work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other).and_then(|result| result).map_err(folder_error)
}
