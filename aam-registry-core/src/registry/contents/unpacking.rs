use std::{fmt, io, path::PathBuf, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};

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
/// How many bytes of the disk large files may take while they are read, and how many of them for one client. A file
/// that is larger than the share is read while its client reads no other one.
const ROOM: u64 = 2048 * UNIT;
const ROOM_EACH: u64 = ROOM / 4;

/// What reads inside archives share: who may do so when, and what was found.
pub(in crate::registry) struct Unpacking {
    /// Places on blocking threads, which take archives apart.
    threads: Places<ClientNetwork>,
    /// Places for files that are spooled to the disk, for as long as their readers take.
    spooling: Places<ClientNetwork>,
    /// Units of the disk for such files.
    room: Places<ClientNetwork>,
    folder: Option<PathBuf>,
    /// By the digests of the two archives, which tell all that is compared.
    pub(super) diffs: Cache<(Sha256Digest, Sha256Digest), Arc<PackageDiff>, DiffWeight>,
    /// Small files by their digest.
    files: Cache<Sha256Digest, Bytes, FileWeight>,
}

impl Unpacking {
    /// Spools to `folder`, or to the system's folder of temporary files.
    pub(in crate::registry) fn new(folder: Option<PathBuf>) -> Self {
        Self::with_room(folder, ROOM, ROOM_EACH, PATIENCE)
    }

    /// The same with `room` bytes on the disk, of which one client may have `each`.
    fn with_room(folder: Option<PathBuf>, room: u64, each: u64, patience: Duration) -> Self {
        let units = |bytes: u64| usize::try_from(bytes / UNIT).unwrap_or(usize::MAX);
        // Taking an archive apart is work for a processor. There are two places for each, since one may wait for bytes.
        let at_once = 2 * thread::available_parallelism().map_or(2, usize::from).max(2);
        Self {
            threads: Places::new(at_once, at_once / 2, patience),
            spooling: Places::new(SPOOLED_AT_ONCE, SPOOLED_AT_ONCE_EACH, patience),
            room: Places::new(units(room), units(each), patience),
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
        let units = u32::try_from(size.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let room = self.room.take_many(units, from).await.map_err(|crowded| match crowded {
            Crowded::Own(mebibytes) => Error::TooManyAtOnce(format!(
                "Your address reads {mebibytes} MiB of large files out of archives already, as much as it may; read \
                 them one after the other, or download the archive"
            )),
            Crowded::All => Error::Overloaded,
        })?;
        Ok(SpoolRoom { _place: place, _room: room })
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
#[derive(Debug)]
pub(super) struct SpoolRoom {
    _place: Place,
    _room: Place,
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

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::error::ErrorCode;

    fn network(address: &str) -> ClientNetwork {
        address.parse::<IpAddr>().expect("an address").into()
    }

    async fn room(unpacking: &Unpacking, mebibytes: u64, from: &str) -> Result<SpoolRoom> {
        unpacking.spool_room(mebibytes * UNIT, Some(&network(from))).await
    }

    #[tokio::test]
    async fn one_client_has_a_share_of_the_room_on_the_disk() {
        let unpacking = Unpacking::with_room(None, 8 * UNIT, 4 * UNIT, Duration::ZERO);
        let first = room(&unpacking, 3, "2001:db8::1").await.expect("room");
        let refused = room(&unpacking, 2, "2001:db8::2").await.expect_err("the share of its network");
        assert_eq!(refused.code(), ErrorCode::RateLimited);
        assert!(refused.to_string().contains("reads 4 MiB of large files"), "{refused}");
        let _other = room(&unpacking, 4, "192.0.2.1").await.expect("room for another client");
        assert_eq!(room(&unpacking, 2, "192.0.2.2").await.expect_err("all of it").code(), ErrorCode::Overloaded);
        drop(first);
        let _next = room(&unpacking, 2, "192.0.2.2").await.expect("room again");
    }

    #[tokio::test]
    async fn a_file_larger_than_the_share_or_all_room_is_read_alone() {
        let unpacking = Unpacking::with_room(None, 8 * UNIT, 4 * UNIT, Duration::ZERO);
        let large = room(&unpacking, 6, "192.0.2.1").await.expect("room");
        assert_eq!(room(&unpacking, 1, "192.0.2.1").await.expect_err("his share").code(), ErrorCode::RateLimited);
        assert_eq!(room(&unpacking, 3, "192.0.2.2").await.expect_err("too much").code(), ErrorCode::Overloaded);
        drop(large);
        let _largest = room(&unpacking, 9, "192.0.2.1").await.expect("room");
        assert_eq!(room(&unpacking, 1, "192.0.2.2").await.expect_err("all of it").code(), ErrorCode::Overloaded);
    }
}
