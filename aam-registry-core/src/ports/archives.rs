use std::{fmt::Debug, io, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::{Method, Uri};
use jiff::Timestamp;

use crate::{
    decide::Audience,
    error::Result,
    types::{ArchiveKey, ArchiveLocation, RegistryId},
};

/// Stores the bytes of archives. A key is written at most once.
#[async_trait]
pub trait ArchiveStore: Debug + Send + Sync + 'static {
    /// Starts writing the archive at `key`. Nothing is readable there before
    /// [`ArchiveWriter::finish`] returns.
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>>;

    /// Opens the archive at `key`, or a `range` of its bytes (within its size); `None` if there is
    /// none.
    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>>;

    /// The URI from which a client has to download the archive at `location` with `method` (`GET`, or
    /// `HEAD` for its headers only); `None` if the registry has to send it. Does not access the store,
    /// so the archive may be missing there. An archive that is not for
    /// [everybody](Audience::Everyone) is redirected only to a URI that expires.
    async fn redirect(&self, location: &ArchiveLocation, method: &Method, audience: Audience) -> Result<Option<Uri>>;

    /// The size in bytes of the archive at `key`; `None` if there is none.
    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>>;

    /// Deletes the archive at `key` and all remains of unfinished writes there. Succeeds if there is
    /// nothing.
    async fn delete(&self, key: &ArchiveKey) -> Result<()>;

    /// Up to `limit` archives ordered by key, after `after`.
    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>>;

    /// Up to `limit` keys in order, after `after`, with bytes of writers that have not finished or were
    /// abandoned. Each comes with the size of these bytes (0 if the store does not report it) and the
    /// time when the write began or last continued.
    ///
    /// The list may contain writers that are still at work, and keys of finished archives for which an
    /// earlier attempt had begun: check before deleting.
    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>>;

    /// The registry that owns the archives, according to a mark in the store; `None` if there is no
    /// mark. The mark is stored beside the archives, so it is copied together with them, and is in no
    /// listing.
    ///
    /// # Errors
    /// A backend error of kind storage, also if the mark is not a registry's id.
    async fn owner(&self) -> Result<Option<RegistryId>>;

    /// Marks the archives as those of `registry`, replacing any other mark; durable when it returns.
    async fn set_owner(&self, registry: RegistryId) -> Result<()>;

    /// Whether the store answers; for health checks.
    ///
    /// # Errors
    /// A backend error of kind storage.
    async fn check(&self) -> Result<()>;
}

/// Receives the bytes of one archive. If it is dropped without [`finish`](Self::finish), nothing is
/// readable.
#[async_trait]
pub trait ArchiveWriter: Debug + Send {
    /// Appends `bytes`.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Makes the archive readable and durable: after this returns, a power cut loses nothing of it.
    /// Returns its size in bytes.
    async fn finish(self: Box<Self>) -> Result<u64>;

    /// Aborts the write and removes what was written.
    async fn abort(self: Box<Self>) -> Result<()>;
}

/// An open archive, or a range of one.
pub enum ArchiveContent {
    /// In memory.
    Bytes(Bytes),
    /// A local file: `len` bytes from its current position.
    File {
        /// The open file, positioned at the first byte.
        file: std::fs::File,
        /// The number of bytes.
        len: u64,
    },
    /// A stream of chunks of limited size, `len` bytes in total.
    Stream {
        /// The chunks.
        stream: BoxStream<'static, io::Result<Bytes>>,
        /// Their total number of bytes.
        len: u64,
    },
}

impl Debug for ArchiveContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => f.debug_tuple("Bytes").field(&bytes.len()).finish(),
            Self::File { len, .. } => f.debug_struct("File").field("len", len).finish_non_exhaustive(),
            Self::Stream { len, .. } => f.debug_struct("Stream").field("len", len).finish_non_exhaustive(),
        }
    }
}

/// One archive, or an unfinished write, in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredArchive {
    /// Its key.
    pub key: ArchiveKey,
    /// Its size in bytes.
    pub size: u64,
    /// When the write began or last continued; `None` if the store does not report it (callers then use
    /// the time in the upload's id).
    pub modified_at: Option<Timestamp>,
}
