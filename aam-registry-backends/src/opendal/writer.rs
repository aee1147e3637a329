use std::{fmt, sync::Arc};

use aam_registry_core::{Result, ports::ArchiveWriter, types::ArchiveKey};
use async_trait::async_trait;
use bytes::Bytes;
use opendal::{Operator, Writer};

use super::{failure::storage_error, folder::Folder, store::blocking};

/// What is gathered before it is written.
const WRITE_CHUNK: usize = 256 * 1024;

/// Writes one archive to a folder, or to memory.
pub(super) struct LocalWriter {
    writer: Writer,
    operator: Operator,
    folder: Option<Arc<Folder>>,
    key: ArchiveKey,
    size: u64,
}

impl LocalWriter {
    pub(super) async fn create(operator: &Operator, folder: Option<Arc<Folder>>, key: &ArchiveKey) -> Result<Self> {
        let path = if folder.is_some() { Folder::part(key) } else { key.to_string() };
        let writer = operator.writer_with(&path).chunk(WRITE_CHUNK).await.map_err(storage_error)?;
        Ok(Self { writer, operator: operator.clone(), folder, key: key.clone(), size: 0 })
    }
}

impl fmt::Debug for LocalWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalWriter").field("key", &self.key).field("size", &self.size).finish_non_exhaustive()
    }
}

#[async_trait]
impl ArchiveWriter for LocalWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.size += bytes.len() as u64;
        self.writer.write(bytes).await.map_err(storage_error)
    }

    async fn finish(mut self: Box<Self>) -> Result<u64> {
        // On a local folder this syncs the file, not its name.
        self.writer.close().await.map_err(storage_error)?;
        if let Some(folder) = self.folder {
            let key = self.key;
            blocking(move || folder.publish(&key)).await?;
        }
        Ok(self.size)
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        if self.folder.is_none() {
            return self.writer.abort().await.map_err(storage_error);
        }
        drop(self.writer);
        self.operator.delete(&Folder::part(&self.key)).await.map_err(storage_error)
    }
}
