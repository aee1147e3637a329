use std::{
    collections::BTreeMap,
    fmt,
    ops::{Bound, Range},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Method, Uri};
use jiff::Timestamp;

use crate::{
    decide::Audience,
    error::{Error, Result},
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive},
    types::{ArchiveKey, ArchiveLocation, RegistryId},
};

/// Keeps archives in memory, for as long as the process lives.
#[derive(Clone, Default)]
pub struct MemoryArchives {
    archives: Arc<RwLock<Archives>>,
}

#[derive(Default)]
struct Archives {
    finished: BTreeMap<ArchiveKey, (Bytes, Timestamp)>,
    /// What was begun, when, and how much of it was written. A writer's bytes die with it.
    unfinished: BTreeMap<ArchiveKey, (u64, Timestamp)>,
    owner: Option<RegistryId>,
}

/// Up to `limit` entries of `archives` from behind `after`.
fn page<'a, T>(
    archives: &'a BTreeMap<ArchiveKey, T>,
    after: Option<&ArchiveKey>,
    limit: usize,
) -> impl Iterator<Item = (&'a ArchiveKey, &'a T)> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    archives.range((start, Bound::Unbounded)).take(limit)
}

impl MemoryArchives {
    /// An empty store; its clones share what they hold.
    pub fn new() -> Self {
        Self::default()
    }

    // A map is whole between two calls on it, whoever panicked while holding the lock.
    fn read(&self) -> RwLockReadGuard<'_, Archives> {
        self.archives.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Archives> {
        self.archives.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryArchives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryArchives").field("archives", &self.read().finished.len()).finish()
    }
}

#[async_trait]
impl ArchiveStore for MemoryArchives {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        self.write().unfinished.insert(key.clone(), (0, Timestamp::now()));
        Ok(Box::new(MemoryWriter { store: self.clone(), key: key.clone(), bytes: BytesMut::new() }))
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        let Some(bytes) = self.read().finished.get(key).map(|(bytes, _)| bytes.clone()) else {
            return Ok(None);
        };
        let Some(range) = range else {
            return Ok(Some(ArchiveContent::Bytes(bytes)));
        };
        let within = |end: u64| usize::try_from(end).ok().filter(|end| *end <= bytes.len());
        match (within(range.start), within(range.end)) {
            (Some(start), Some(end)) if start <= end => Ok(Some(ArchiveContent::Bytes(bytes.slice(start..end)))),
            _ => Err(Error::internal(format!("range {range:?} lies outside the {} bytes of {key}", bytes.len()))),
        }
    }

    async fn redirect(&self, _: &ArchiveLocation, _: &Method, _: Audience) -> Result<Option<Uri>> {
        Ok(None)
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        Ok(self.read().finished.get(key).map(|(bytes, _)| bytes.len() as u64))
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        let mut archives = self.write();
        archives.unfinished.remove(key);
        archives.finished.remove(key);
        Ok(())
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        let archives = self.read();
        let listed = page(&archives.finished, after, limit).map(|(key, (bytes, modified_at))| StoredArchive {
            key: key.clone(),
            size: bytes.len() as u64,
            modified_at: Some(*modified_at),
        });
        Ok(listed.collect())
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        let archives = self.read();
        let listed = page(&archives.unfinished, after, limit).map(|(key, (size, begun_at))| StoredArchive {
            key: key.clone(),
            size: *size,
            modified_at: Some(*begun_at),
        });
        Ok(listed.collect())
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        Ok(self.read().owner)
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        self.write().owner = Some(registry);
        Ok(())
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryWriter {
    store: MemoryArchives,
    key: ArchiveKey,
    bytes: BytesMut,
}

#[async_trait]
impl ArchiveWriter for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.bytes.extend_from_slice(&bytes);
        if let Some((size, _)) = self.store.write().unfinished.get_mut(&self.key) {
            *size = self.bytes.len() as u64;
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<u64> {
        let Self { store, key, bytes } = *self;
        let size = bytes.len() as u64;
        let mut archives = store.write();
        archives.unfinished.remove(&key);
        archives.finished.insert(key, (bytes.freeze(), Timestamp::now()));
        Ok(size)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.store.write().unfinished.remove(&self.key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::archive_store_conformance!(async { (MemoryArchives::new(), ()) });
}
