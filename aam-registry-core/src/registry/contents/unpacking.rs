use std::{fmt, io, path::PathBuf, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    archive::{FileDiff, ManifestChange, PackageDiff},
    error::{Error, Result},
    registry::places::{Crowded, Place, Places},
    types::{ClientNetwork, Sha256Digest},
};

/// The most bytes of a file that is held in memory while it is read.
pub(super) const MAX_IN_MEMORY: u64 = 1024 * 1024;
/// The most bytes of a file that is kept for the next reader.
const MAX_KEPT_FILE: u64 = 256 * 1024;
/// How many bytes of files are kept.
const KEPT_FILES: u64 = 16 * 1024 * 1024;
/// How many bytes of diffs are kept.
const KEPT_DIFFS: u64 = 32 * 1024 * 1024;
/// How many files are spooled to the disk at a time, and how many of them for one client.
const SPOOLED_AT_ONCE: usize = 64;
const SPOOLED_AT_ONCE_EACH: usize = 4;
/// How long a request waits for its place.
const PATIENCE: Duration = Duration::from_secs(10);
/// In what room on the disk is counted, in bytes.
const UNIT: u64 = 1024 * 1024;
/// How much of the disk large files may take while they are read, in units.
const ROOM: u32 = 2048;

/// What reads inside archives share: who may do so when, and what was found.
pub(in crate::registry) struct Unpacking {
    /// Places on blocking threads, which take archives apart.
    threads: Places<ClientNetwork>,
    /// Places for files that are spooled to the disk, for as long as their readers take.
    spooling: Places<ClientNetwork>,
    room: Arc<Semaphore>,
    folder: Option<PathBuf>,
    /// By the digests of the two archives, which tell all that is compared.
    pub(super) diffs: Cache<(Sha256Digest, Sha256Digest), Arc<PackageDiff>, DiffWeight>,
    /// Small files by their digest.
    files: Cache<Sha256Digest, Bytes, FileWeight>,
}

impl Unpacking {
    /// Spools to `folder`, or to the system's folder of temporary files.
    pub(in crate::registry) fn new(folder: Option<PathBuf>) -> Self {
        // Taking an archive apart is work for a processor. There are two places for each, since one may wait for bytes.
        let at_once = 2 * thread::available_parallelism().map_or(2, usize::from).max(2);
        Self {
            threads: Places::new(at_once, at_once / 2, PATIENCE),
            spooling: Places::new(SPOOLED_AT_ONCE, SPOOLED_AT_ONCE_EACH, PATIENCE),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            folder,
            diffs: Cache::with_weighter(256, KEPT_DIFFS, DiffWeight),
            files: Cache::with_weighter(1024, KEPT_FILES, FileWeight),
        }
    }

    /// Waits for leave to keep a blocking thread busy with an archive.
    pub(super) async fn place(&self, from: Option<&ClientNetwork>) -> Result<Place> {
        self.threads.take(from).await.map_err(crowded)
    }

    /// Waits for leave to keep a file of `size` bytes on the disk.
    pub(super) async fn spool_room(&self, size: u64, from: Option<&ClientNetwork>) -> Result<SpoolRoom> {
        let place = self.spooling.take(from).await.map_err(crowded)?;
        // A file larger than all there is may be read alone.
        let units = u32::try_from(size.div_ceil(UNIT)).unwrap_or(u32::MAX).min(ROOM);
        let room = Arc::clone(&self.room).acquire_many_owned(units);
        match tokio::time::timeout(PATIENCE, room).await {
            Ok(Ok(room)) => Ok(SpoolRoom { _place: place, _room: room }),
            _ => Err(Error::Overloaded),
        }
    }

    /// A new file without a name, which is gone when it is closed.
    pub(super) fn spool_file(&self) -> io::Result<std::fs::File> {
        match &self.folder {
            Some(folder) => tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile()),
            None => tempfile::tempfile(),
        }
    }

    pub(super) fn kept_file(&self, digest: &Sha256Digest) -> Option<Bytes> {
        self.files.get(digest)
    }

    pub(super) fn keep_file(&self, digest: Sha256Digest, contents: &Bytes) {
        if contents.len() as u64 <= MAX_KEPT_FILE {
            self.files.insert(digest, contents.clone());
        }
    }
}

fn crowded(crowded: Crowded) -> Error {
    match crowded {
        Crowded::Own(places) => Error::TooManyAtOnce(format!(
            "Your address reads inside {places} archives already, and more that wait; read fewer at once, or download \
             the archive"
        )),
        Crowded::All => Error::Overloaded,
    }
}

impl fmt::Debug for Unpacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacking").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Leave to keep a file on the disk.
pub(super) struct SpoolRoom {
    _place: Place,
    _room: OwnedSemaphorePermit,
}

#[derive(Clone, Debug)]
pub(super) struct DiffWeight;

impl Weighter<(Sha256Digest, Sha256Digest), Arc<PackageDiff>> for DiffWeight {
    fn weight(&self, _: &(Sha256Digest, Sha256Digest), diff: &Arc<PackageDiff>) -> u64 {
        let file = |file: &FileDiff| 128 + file.path.len() + file.diff.as_ref().map_or(0, String::len);
        // Values are trees of small allocations, of which the listing holds so many bytes as text.
        let key = |change: &ManifestChange| {
            let value =
                |value: &Option<serde_json::Value>| value.as_ref().map_or(0, |value| 4 * value.to_string().len());
            256 + change.key.len() + value(&change.before) + value(&change.after)
        };
        let bytes: usize = diff.files.iter().map(file).sum::<usize>() + diff.manifest.iter().map(key).sum::<usize>();
        512 + bytes as u64
    }
}

#[derive(Clone, Debug)]
pub(super) struct FileWeight;

impl Weighter<Sha256Digest, Bytes> for FileWeight {
    fn weight(&self, _: &Sha256Digest, contents: &Bytes) -> u64 {
        256 + contents.len() as u64
    }
}
