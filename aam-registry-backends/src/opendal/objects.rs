//! Objects of any name in an object store, for what is not an archive: backups.

use std::{fmt, io};

use aam_registry_core::{Error, Result};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use opendal::{ErrorKind, Writer};

use super::{OpendalConfig, failure::storage_error, remote::Remote};

/// The size of a part; S3 requires at least 5 MiB for every part except the last.
const PART: usize = 8 * 1024 * 1024;

/// Objects under the prefix of a bucket. Names are paths with forward slashes.
#[derive(Clone, Debug)]
pub struct OpendalObjects {
    remote: Remote,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

impl OpendalObjects {
    /// Opens the store of `config`; sends nothing yet.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub fn new(config: &OpendalConfig) -> Result<Self> {
        Ok(Self { remote: super::store::connect(config)? })
    }

    /// Starts writing the object `name`, which appears, or replaces another one, when the writer has finished.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub async fn create(&self, name: &str) -> Result<ObjectWriter> {
        let writer = self.remote.writing.writer_with(name).chunk(PART).await.map_err(storage_error)?;
        Ok(ObjectWriter { writer, remote: self.remote.clone(), name: name.to_owned(), size: 0 })
    }

    /// The bytes of the object `name`; `None` if there is none.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub async fn open(&self, name: &str) -> Result<Option<BoxStream<'static, io::Result<Bytes>>>> {
        let opened = async {
            let mut stream = self.remote.reading.reader(name).await?.into_bytes_stream(..).await?;
            // Only the answer says whether there is one.
            stream.metadata().await?;
            Ok::<_, opendal::Error>(stream)
        };
        match opened.await {
            Ok(stream) => Ok(Some(stream.boxed())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(storage_error(error)),
        }
    }

    /// The objects whose names begin with `folder`, which ends with a slash.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub async fn list(&self, folder: &str) -> Result<Vec<StoredObject>> {
        let listed = async {
            let mut lister = self.remote.reading.lister_with(folder).recursive(true).await?;
            let mut objects = Vec::new();
            while let Some(entry) = lister.try_next().await? {
                if entry.metadata().is_file() {
                    objects
                        .push(StoredObject { name: entry.path().to_owned(), size: entry.metadata().content_length() });
                }
            }
            Ok::<_, opendal::Error>(objects)
        };
        match listed.await {
            Ok(objects) => Ok(objects),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(storage_error(error)),
        }
    }

    /// Deletes the object `name`; succeeds if there is none.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub async fn delete(&self, name: &str) -> Result<()> {
        self.remote.reading.delete(name).await.map_err(storage_error)
    }
}

/// Writes one object. If it is dropped before [`finish`](Self::finish), there is none.
pub struct ObjectWriter {
    writer: Writer,
    remote: Remote,
    name: String,
    size: u64,
}

impl fmt::Debug for ObjectWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectWriter").field("name", &self.name).field("size", &self.size).finish_non_exhaustive()
    }
}

impl ObjectWriter {
    /// Appends `bytes`.
    ///
    /// # Errors
    /// A backend error of kind storage.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.size += bytes.len() as u64;
        self.writer.write(bytes).await.map_err(storage_error)
    }

    /// Makes the object durable and visible.
    ///
    /// # Errors
    /// A backend error of kind storage, also if the store then has another size.
    pub async fn finish(mut self) -> Result<()> {
        self.writer.close().await.map_err(storage_error)?;
        let stored = self.remote.reading.stat(&self.name).await.map_err(storage_error)?.content_length();
        if stored == self.size {
            return Ok(());
        }
        let reason = format!("the store keeps {stored} bytes of the {} of {}", self.size, self.name);
        Err(Error::storage(reason, false))
    }
}
