use std::{
    ops::Range,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Uri};
use metrics::Histogram;
use tracing::{Instrument, Span};

use crate::{
    decide::Audience,
    error::Result,
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, SPANS, StoredArchive},
    types::{ArchiveKey, ArchiveLocation, RegistryId},
};

/// Measures how long the calls of another store take, in `aam_storage_duration_seconds{operation}`, and puts a span
/// of the target [`SPANS`] around each. The time to open an archive ends with its first byte, and that of a write
/// ends when the store takes the next one.
///
/// ```
/// use aam_registry_core::{decorate::MeasuredArchives, memory::MemoryArchives};
///
/// let archives = MeasuredArchives::new(MemoryArchives::new());
/// # drop(archives);
/// ```
#[derive(Clone, Debug)]
pub struct MeasuredArchives<S> {
    inner: S,
}

impl<S: ArchiveStore> MeasuredArchives<S> {
    /// Measures the calls of `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

/// Awaits a call and records its time, also when nobody waits for its end any more.
async fn measured<T>(operation: &'static str, call: impl Future<Output = T>) -> T {
    let _timer = Timer { began: Instant::now(), times: times(operation) };
    call.instrument(span(operation)).await
}

fn times(operation: &'static str) -> Histogram {
    metrics::histogram!("aam_storage_duration_seconds", "operation" => operation)
}

fn span(operation: &'static str) -> Span {
    tracing::trace_span!(target: SPANS, "storage", otel.name = %format_args!("storage {operation}"), otel.kind = "client")
}

struct Timer {
    began: Instant,
    times: Histogram,
}

impl Drop for Timer {
    fn drop(&mut self) {
        let taken: Duration = self.began.elapsed();
        self.times.record(taken);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ArchiveStore> ArchiveStore for MeasuredArchives<S> {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        let inner = measured("create", self.inner.create(key)).await?;
        Ok(Box::new(MeasuredWriter { inner }))
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        measured("open", self.inner.open(key, range)).await
    }

    async fn redirect(&self, location: &ArchiveLocation, method: &Method, audience: Audience) -> Result<Option<Uri>> {
        // It does not reach the store.
        self.inner.redirect(location, method, audience).await
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        measured("size", self.inner.size(key)).await
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        measured("delete", self.inner.delete(key)).await
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        measured("list", self.inner.list(after, limit)).await
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        measured("unfinished", self.inner.unfinished(after, limit)).await
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        measured("owner", self.inner.owner()).await
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        measured("set_owner", self.inner.set_owner(registry)).await
    }

    async fn check(&self) -> Result<()> {
        measured("check", self.inner.check()).await
    }
}

/// Measures the calls of another writer.
#[derive(Debug)]
struct MeasuredWriter {
    inner: Box<dyn ArchiveWriter>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ArchiveWriter for MeasuredWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        measured("write", self.inner.write(bytes)).await
    }

    async fn finish(self: Box<Self>) -> Result<u64> {
        measured("finish", self.inner.finish()).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        measured("abort", self.inner.abort()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryArchives;

    crate::archive_store_conformance!(async { (MeasuredArchives::new(MemoryArchives::new()), ()) });
}
