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

/// Keeps the bytes of archives. A key is written at most once.
#[async_trait]
pub trait ArchiveStore: Debug + Send + Sync + 'static {
    /// Starts writing the archive at `key`. Nothing is readable there before
    /// [`ArchiveWriter::finish`] returns.
    async fn create(&self, key: &ArchiveKey) -> Result<Box<dyn ArchiveWriter>>;

    /// Opens the archive at `key`, or the `range` of its bytes (within its
    /// size); `None` where there is none.
    async fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> Result<Option<ArchiveContent>>;

    /// Where a client that asks for the archive at `location` with `method`
    /// (`GET`, or `HEAD` for what it would get) is to fetch it instead;
    /// `None` where it is to be sent from here. Looks at nothing: the archive
    /// may be missing there too. What is not for
    /// [everybody](Audience::Everyone) is redirected only to an address that
    /// expires.
    async fn redirect(&self, location: &ArchiveLocation, method: &Method, audience: Audience) -> Result<Option<Uri>>;

    /// The size in bytes of the archive at `key`; `None` where there is none.
    async fn size(&self, key: &ArchiveKey) -> Result<Option<u64>>;

    /// Deletes the archive at `key` and what unfinished writers left there,
    /// however many. It is no error where there is nothing.
    async fn delete(&self, key: &ArchiveKey) -> Result<()>;

    /// Up to `limit` archives in the order of their keys, from behind `after`.
    async fn list(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>>;

    /// Up to `limit` keys, in their order from behind `after`, where writers
    /// that have not finished hold something, or have left it behind. Each
    /// comes with what is there so far: 0 bytes where the store does not
    /// tell, and when it was begun or last written.
    ///
    /// A writer still at work may be among them, and so may the key of a
    /// finished archive that an earlier attempt had begun: look before
    /// deleting.
    async fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> Result<Vec<StoredArchive>>;

    /// The registry whose archives these are, as a mark in the store says;
    /// `None` where it has none. The mark lies beside the archives, goes with
    /// them where they are copied, and is in no listing.
    ///
    /// # Errors
    /// A backend error of kind storage, also where the mark is none of these.
    async fn owner(&self) -> Result<Option<RegistryId>>;

    /// Marks the archives as those of `registry`, whosever they were before;
    /// durable when it returns.
    async fn set_owner(&self, registry: RegistryId) -> Result<()>;

    /// Whether the store answers; for health checks.
    ///
    /// # Errors
    /// A backend error of kind storage.
    async fn check(&self) -> Result<()>;
}

/// Receives the bytes of one archive. Dropped without [`finish`](Self::finish),
/// it leaves nothing readable.
#[async_trait]
pub trait ArchiveWriter: Debug + Send {
    /// Appends `bytes`.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Makes the archive durable and readable: when this returns, a power cut
    /// loses nothing of it. Gives its size in bytes.
    async fn finish(self: Box<Self>) -> Result<u64>;

    /// Gives up and removes what was written.
    async fn abort(self: Box<Self>) -> Result<()>;
}

/// An open archive, or a range of one.
pub enum ArchiveContent {
    /// It is in memory.
    Bytes(Bytes),
    /// It is a local file, from the current position on; `len` bytes are meant.
    File {
        /// The open file, positioned at the first byte meant.
        file: std::fs::File,
        /// How many bytes are meant.
        len: u64,
    },
    /// It comes in chunks of bounded size; `len` bytes in all.
    Stream {
        /// The chunks.
        stream: BoxStream<'static, io::Result<Bytes>>,
        /// How many bytes they hold together.
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

/// One archive, or what there is of one, in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredArchive {
    /// Its key.
    pub key: ArchiveKey,
    /// Its size in bytes.
    pub size: u64,
    /// When it was begun or last written; `None` where the store does not tell,
    /// and the upload's own time is taken for it.
    pub modified_at: Option<Timestamp>,
}
