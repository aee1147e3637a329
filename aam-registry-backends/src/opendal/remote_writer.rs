use std::{fmt, sync::Arc};

use aam_registry_core::{Error, Result, ports::ArchiveWriter, types::ArchiveKey};
use async_trait::async_trait;
use bytes::Bytes;
use opendal::Writer;

use super::{
    failure::storage_error,
    remote::{GZIP, Remote},
};

/// The size of a part; S3 requires at least 5 MiB for every part except the last.
const PART: usize = 8 * 1024 * 1024;

/// How many parts are sent at a time.
const PARTS: usize = 2;

/// Writes one archive to an object store.
pub(super) struct RemoteWriter {
    writer: Writer,
    remote: Arc<Remote>,
    key: ArchiveKey,
    size: u64,
}

impl RemoteWriter {
    pub(super) async fn create(remote: Arc<Remote>, key: &ArchiveKey) -> Result<Self> {
        let writer = remote.writing.writer_with(key.as_str()).chunk(PART).concurrent(PARTS).content_type(GZIP);
        let writer = writer.await.map_err(storage_error)?;
        Ok(Self { writer, remote, key: key.clone(), size: 0 })
    }
}

impl fmt::Debug for RemoteWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteWriter").field("key", &self.key).field("size", &self.size).finish_non_exhaustive()
    }
}

#[async_trait]
impl ArchiveWriter for RemoteWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.size += bytes.len() as u64;
        self.writer.write(bytes).await.map_err(storage_error)
    }

    async fn finish(mut self: Box<Self>) -> Result<u64> {
        let Err(error) = self.writer.close().await else {
            let stored = self.remote.size(&self.key).await.map_err(storage_error)?;
            if stored == self.size {
                return Ok(stored);
            }
            let reason = format!("the store keeps {stored} bytes of the {} of {}", self.size, self.key);
            return Err(Error::storage(reason, false));
        };
        // The object may be complete although the answer was lost; completing it again would find no
        // upload.
        let stored = self.remote.probing.stat(self.key.as_str()).await;
        match stored.map(|metadata| metadata.content_length()) {
            Ok(stored) if stored == self.size => Ok(stored),
            _ => Err(storage_error(error)),
        }
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        match self.writer.abort().await {
            Ok(()) => Ok(()),
            // A writer whose last call was cancelled cannot abort, but the store can.
            Err(_) => self.remote.abort(&self.key).await.map_err(storage_error),
        }
    }
}
