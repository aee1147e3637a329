use std::{io, ops::Range, sync::Arc};

use aam_registry_core::{
    Error, Result,
    decide::Audience,
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive},
    types::{ArchiveKey, ArchiveLocation, RegistryId},
};
use async_trait::async_trait;
use http::{Method, Uri};
use opendal::ErrorKind;
use tokio::task::{self, JoinHandle};

use super::{
    OpendalConfig,
    failure::{folder_error, storage_error},
    folder_writer::FolderWriter,
    listing,
    memory_writer::MemoryWriter,
    place::Place,
};
#[cfg(feature = "remote")]
use super::{links::PresignedLinks, remote_writer::RemoteWriter};

/// Archives up to this size are read at once instead of opened or streamed.
pub(super) const SMALL: u64 = 64 * 1024;

/// Stores archives with OpenDAL.
///
/// In a folder an archive is written to a part file beside its place, synced and renamed, and its
/// folders are synced, before the write counts as done. In an object store it is one object: sent in
/// parts of 8 MiB, or at once if it is smaller, and done when the store reports its size; up to 32 MiB
/// are in memory meanwhile. It is read with one request, as a stream of chunks.
#[derive(Clone, Debug)]
pub struct OpendalArchives {
    place: Place,
    #[cfg(feature = "remote")]
    links: Option<PresignedLinks>,
}

impl OpendalArchives {
    /// Opens the store of `config`; sends nothing to an object store yet. Blocks while it creates a
    /// folder.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub fn new(config: &OpendalConfig) -> Result<Self> {
        Ok(Self {
            place: Place::new(config)?,
            #[cfg(feature = "remote")]
            links: None,
        })
    }

    /// Redirects clients that download to the object store, with links that are valid for `expiry` (2
    /// minutes to 7 days) and for that archive only.
    ///
    /// # Errors
    /// A backend error of kind storage if the store cannot create such links (a folder cannot), or if
    /// `expiry` is out of range.
    #[cfg(feature = "remote")]
    pub fn with_presigned_redirects(mut self, expiry: std::time::Duration) -> Result<Self> {
        let Place::Remote(remote) = &self.place else { return Err(super::links::no_links()) };
        self.links = Some(PresignedLinks::new(remote.links.clone(), expiry)?);
        Ok(self)
    }
}

#[async_trait]
impl ArchiveStore for OpendalArchives {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        Ok(match &self.place {
            Place::Folder(_, folder) => Box::new(FolderWriter::new(Arc::clone(folder), key.clone())),
            Place::Memory(operator) => Box::new(MemoryWriter::create(operator, key).await?),
            #[cfg(feature = "remote")]
            Place::Remote(remote) => Box::new(RemoteWriter::create(remote.clone(), key).await?),
        })
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        match &self.place {
            Place::Folder(_, folder) => {
                let (folder, key) = (folder.clone(), key.clone());
                blocking(move || folder.open(&key, range)).await
            }
            Place::Memory(operator) => {
                let bytes = match range {
                    Some(range) => operator.read_with(key.as_str()).range(range).await,
                    None => operator.read(key.as_str()).await,
                };
                found(bytes.map(|bytes| ArchiveContent::Bytes(bytes.to_bytes())))
            }
            #[cfg(feature = "remote")]
            Place::Remote(remote) => found(remote.open(key, range).await),
        }
    }

    #[cfg(feature = "remote")]
    async fn redirect(&self, location: &ArchiveLocation, method: &Method, _: Audience) -> Result<Option<Uri>> {
        match &self.links {
            Some(links) => links.link(location, method).await.map(Some),
            None => Ok(None),
        }
    }

    #[cfg(not(feature = "remote"))]
    async fn redirect(&self, _: &ArchiveLocation, _: &Method, _: Audience) -> Result<Option<Uri>> {
        Ok(None)
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        match &self.place {
            Place::Folder(_, folder) => {
                let (folder, key) = (folder.clone(), key.clone());
                blocking(move || folder.size(&key)).await
            }
            Place::Memory(operator) => {
                found(operator.stat(key.as_str()).await.map(|metadata| metadata.content_length()))
            }
            #[cfg(feature = "remote")]
            Place::Remote(remote) => found(remote.size(key).await),
        }
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        // Delete unfinished writes first: in between, one may become the archive, but an archive never
        // becomes unfinished.
        match &self.place {
            Place::Folder(_, folder) => {
                let (folder, key) = (Arc::clone(folder), key.clone());
                blocking(move || folder.remove_part(&key)).await?;
            }
            Place::Memory(_) => {}
            #[cfg(feature = "remote")]
            Place::Remote(remote) => remote.abort(key).await.map_err(storage_error)?,
        }
        self.place.operator().delete(key.as_str()).await.map_err(storage_error)
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        match &self.place {
            #[cfg(feature = "remote")]
            Place::Remote(remote) if remote.in_order => listing::in_order(&remote.reading, after, limit).await,
            place => listing::by_folder(place.operator(), after, limit).await,
        }
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        match &self.place {
            Place::Folder(_, folder) => {
                let (folder, after) = (folder.clone(), after.cloned());
                blocking(move || folder.unfinished(after.as_ref(), limit)).await
            }
            Place::Memory(_) => Ok(Vec::new()),
            #[cfg(feature = "remote")]
            Place::Remote(remote) => remote.unfinished(after, limit).await.map_err(storage_error),
        }
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        let Some(mark) = found(self.place.operator().read(ArchiveKey::OWNER).await)? else { return Ok(None) };
        let mark = mark.to_bytes();
        let id = std::str::from_utf8(&mark).ok().and_then(|text| text.trim().parse().ok());
        let reason = || format!("`{}` does not hold the id of a registry", ArchiveKey::OWNER);
        id.map(Some).ok_or_else(|| Error::storage(reason(), false))
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        let mark = format!("{registry}\n");
        match &self.place {
            Place::Folder(_, folder) => {
                let folder = folder.clone();
                blocking(move || folder.write_owner(mark.as_bytes())).await
            }
            Place::Memory(operator) => operator.write(ArchiveKey::OWNER, mark).await.map(drop).map_err(storage_error),
            #[cfg(feature = "remote")]
            Place::Remote(remote) => {
                remote.writing.write(ArchiveKey::OWNER, mark).await.map(drop).map_err(storage_error)
            }
        }
    }

    async fn check(&self) -> Result<()> {
        match &self.place {
            Place::Folder(_, folder) => {
                let folder = folder.clone();
                blocking(move || folder.check()).await
            }
            Place::Memory(operator) => operator.check().await.map_err(storage_error),
            #[cfg(feature = "remote")]
            Place::Remote(remote) => remote.probing.check().await.map_err(storage_error),
        }
    }
}

/// `None` if it does not exist; every other failure is an error.
fn found<T>(result: opendal::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(storage_error(error)),
    }
}

/// Runs file operations on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    ended(task::spawn_blocking(work)).await
}

/// Waits for file operations on a blocking thread.
pub(super) async fn ended<T>(work: JoinHandle<io::Result<T>>) -> Result<T> {
    work.await.map_err(io::Error::other).and_then(|done| done).map_err(folder_error)
}
