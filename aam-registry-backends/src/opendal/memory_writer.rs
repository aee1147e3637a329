use std::fmt;

use aam_registry_core::{Result, ports::ArchiveWriter, types::ArchiveKey};
use async_trait::async_trait;
use bytes::Bytes;
use opendal::{Operator, Writer};

use super::failure::storage_error;

/// Writes one archive to memory.
pub(super) struct MemoryWriter {
    writer: Writer,
    size: u64,
}

impl MemoryWriter {
    pub(super) async fn create(operator: &Operator, key: &ArchiveKey) -> Result<Self> {
        let writer = operator.writer(key.as_str()).await.map_err(storage_error)?;
        Ok(Self { writer, size: 0 })
    }
}

impl fmt::Debug for MemoryWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryWriter").field("size", &self.size).finish_non_exhaustive()
    }
}

#[async_trait]
impl ArchiveWriter for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.size += bytes.len() as u64;
        self.writer.write(bytes).await.map_err(storage_error)
    }

    async fn finish(mut self: Box<Self>) -> Result<u64> {
        self.writer.close().await.map_err(storage_error)?;
        Ok(self.size)
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.writer.abort().await.map_err(storage_error)
    }
}
