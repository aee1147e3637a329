use std::{ops::Range, sync::Arc, time::Duration};

use aam_registry_core::{
    Result,
    decide::Audience,
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive},
    types::{ArchiveKey, ArchiveLocation, RegistryId},
};
use async_trait::async_trait;
use http::{Method, Uri};
use opendal::ErrorKind;

use super::{
    OpendalConfig, failure::storage_error, links::PresignedLinks, listing, remote::Remote, remote_writer::RemoteWriter,
};
use crate::archive_rules::{owner_mark, owner_of};

/// Stores archives in an object store, with OpenDAL.
///
/// An archive is one object: sent in parts of 8 MiB, or at once if it is smaller, and done when the
/// store reports its size; up to 32 MiB are in memory meanwhile. It is read with one request, as a
/// stream of chunks.
#[derive(Clone, Debug)]
pub struct OpendalArchives {
    remote: Arc<Remote>,
    links: Option<PresignedLinks>,
}

impl OpendalArchives {
    /// Opens the store of `config`; sends nothing yet.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub fn new(config: &OpendalConfig) -> Result<Self> {
        Ok(Self { remote: Arc::new(connect(config)?), links: None })
    }

    /// Redirects clients that download to the object store, with links that are valid for `expiry` (2
    /// minutes to 7 days) and for that archive only.
    ///
    /// # Errors
    /// A backend error of kind storage if the store cannot create such links, or if `expiry` is out of
    /// range.
    pub fn with_presigned_redirects(mut self, expiry: Duration) -> Result<Self> {
        self.links = Some(PresignedLinks::new(self.remote.links.clone(), expiry)?);
        Ok(self)
    }
}

/// Opens the store of `config`; sends nothing yet.
pub(super) fn connect(config: &OpendalConfig) -> Result<Remote> {
    opendal::install_default();
    match config {
        #[cfg(feature = "s3")]
        OpendalConfig::S3(config) => super::s3::connect(config),
        #[cfg(feature = "gcs")]
        OpendalConfig::Gcs(config) => config.connect(),
        #[cfg(feature = "azblob")]
        OpendalConfig::Azblob(config) => config.connect(),
    }
}

#[async_trait]
impl ArchiveStore for OpendalArchives {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        Ok(Box::new(RemoteWriter::create(self.remote.clone(), key).await?))
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        found(self.remote.open(key, range).await)
    }

    async fn redirect(&self, location: &ArchiveLocation, method: &Method, audience: Audience) -> Result<Option<Uri>> {
        match &self.links {
            Some(links) => links.link(location, method, audience).await.map(Some),
            None => Ok(None),
        }
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        found(self.remote.size(key).await)
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        // Delete unfinished writes first: in between, one may become the archive, but an archive never
        // becomes unfinished.
        self.remote.abort(key).await.map_err(storage_error)?;
        self.remote.reading.delete(key.as_str()).await.map_err(storage_error)
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        if self.remote.in_order {
            listing::in_order(&self.remote.reading, after, limit).await
        } else {
            listing::by_folder(&self.remote.reading, after, limit).await
        }
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.remote.unfinished(after, limit).await.map_err(storage_error)
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        let mark = found(self.remote.reading.read(ArchiveKey::OWNER).await)?;
        mark.map(|mark| owner_of(&mark.to_bytes())).transpose()
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        let written = self.remote.writing.write(ArchiveKey::OWNER, owner_mark(registry)).await;
        written.map(drop).map_err(storage_error)
    }

    async fn check(&self) -> Result<()> {
        self.remote.probing.check().await.map_err(storage_error)
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
