//! A remote store for tests: it streams, counts calls, waits and fails as told.

use std::{
    io,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aam_registry_core::{
    Error, Result,
    decide::Audience,
    memory::MemoryArchives,
    ports::{ArchiveContent, ArchiveStore, ArchiveWriter, StoredArchive},
    types::{ArchiveKey, ArchiveLocation, RegistryId, Sha256Digest, UploadId, VersionStatus, Visibility},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, Uri};
use tokio::sync::Semaphore;

/// The size of a chunk.
pub(super) const CHUNK: usize = 64 * 1024;

#[derive(Clone, Debug, Default)]
pub(super) struct RemoteStore {
    archives: MemoryArchives,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    opened: AtomicUsize,
    fault: Mutex<Fault>,
    /// If there is a gate, each permit lets one chunk through.
    gate: Mutex<Option<Arc<Semaphore>>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Fault {
    #[default]
    None,
    /// The store does not answer.
    Down,
    /// The stream breaks off in the middle.
    BreaksOff,
    /// The last byte is wrong.
    Damaged,
    /// There is an additional byte.
    TooLong,
}

impl RemoteStore {
    /// How often archives were opened.
    pub(super) fn opened(&self) -> usize {
        self.shared.opened.load(Ordering::SeqCst)
    }

    pub(super) fn set_fault(&self, fault: Fault) {
        *self.shared.fault.lock().expect("lock") = fault;
    }

    /// From now on chunks come only when permits are added.
    pub(super) fn gate(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.shared.gate.lock().expect("lock") = Some(Arc::clone(&gate));
        gate
    }

    /// Stores `len` bytes.
    pub(super) async fn put(&self, seed: u8, len: usize) -> (ArchiveLocation, Bytes) {
        // Two periods that rarely coincide, so that a wrong order is detected.
        let (fast, slow) = ((0..=250).cycle(), (0..=254).flat_map(|n: u8| [n; 251]).cycle());
        let bytes: Bytes = fast.zip(slow).map(|(fast, slow)| fast ^ slow ^ seed).take(len).collect();
        let archive = ArchiveKey::from(UploadId::generate());
        let mut writer = self.archives.create(&archive).await.expect("create");
        writer.write(bytes.clone()).await.expect("write");
        writer.finish().await.expect("finish");
        let location = ArchiveLocation {
            package: "kit".parse().expect("a name"),
            version: "1.0.0".parse().expect("a version"),
            archive,
            sha256: Sha256Digest::of(&bytes),
            size: len as u64,
            visibility: Visibility::Public,
            status: VersionStatus::OPEN,
        };
        (location, bytes)
    }
}

#[async_trait]
impl ArchiveStore for RemoteStore {
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>> {
        self.archives.create(key).await
    }

    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>> {
        self.shared.opened.fetch_add(1, Ordering::SeqCst);
        let fault = *self.shared.fault.lock().expect("lock");
        if fault == Fault::Down {
            return Err(Error::storage("connection refused", true));
        }
        let Some(ArchiveContent::Bytes(bytes)) = self.archives.open(key, range).await? else { return Ok(None) };
        let len = bytes.len() as u64;
        let mut bytes = bytes.to_vec();
        match fault {
            Fault::Damaged => *bytes.last_mut().expect("a byte") ^= 1,
            Fault::TooLong => bytes.push(0),
            Fault::BreaksOff => bytes.truncate(bytes.len() / 2),
            Fault::None | Fault::Down => {}
        }
        let mut chunks: Vec<_> = bytes.chunks(CHUNK).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        if fault == Fault::BreaksOff {
            chunks.push(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let gate = self.shared.gate.lock().expect("lock").clone();
        let stream = stream::iter(chunks).then(move |chunk| {
            let gate = gate.clone();
            async move {
                if let Some(gate) = gate {
                    gate.acquire().await.expect("open").forget();
                }
                chunk
            }
        });
        Ok(Some(ArchiveContent::Stream { stream: stream.boxed(), len }))
    }

    async fn redirect(&self, _: &ArchiveLocation, _: &Method, _: Audience) -> Result<Option<Uri>> {
        Ok(None)
    }

    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>> {
        self.archives.size(key).await
    }

    async fn delete(&self, key: &ArchiveKey) -> Result<()> {
        self.archives.delete(key).await
    }

    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.archives.list(after, limit).await
    }

    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>> {
        self.archives.unfinished(after, limit).await
    }

    async fn owner(&self) -> Result<Option<RegistryId>> {
        self.archives.owner().await
    }

    async fn set_owner(&self, registry: RegistryId) -> Result<()> {
        self.archives.set_owner(registry).await
    }

    async fn check(&self) -> Result<()> {
        self.archives.check().await
    }
}
