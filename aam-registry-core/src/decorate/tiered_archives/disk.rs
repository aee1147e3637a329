use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, FileTimes, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use sha2::Digest;

use super::config::DiskConfig;
use crate::{decorate::TierMeter, types::Sha256Digest};

/// The folder of files that are not complete and checked yet.
const PARTS: &str = "parts";
/// The file that the one process that uses the folder locks.
const LOCK: &str = "lock";
/// How many bytes of a file are read at once when it is checked.
const CHUNK: usize = 256 << 10;
/// How long nothing is written after a write failed, so that a full disk does not break every download.
const PAUSE: Duration = Duration::from_mins(1);

/// Archives in files named by their digest, limited by their total size; the least recently used are
/// deleted first. Every method blocks.
///
/// Files that an earlier process left, or that were changed, are not used until they have been read and
/// checked again.
#[derive(Debug)]
pub(super) struct DiskTier {
    folder: PathBuf,
    capacity: u64,
    index: Mutex<Index>,
    /// How many bytes the files that are being written take, at most.
    reserved: Arc<AtomicU64>,
    parts: AtomicU64,
    paused_at: Mutex<Option<Instant>>,
    _lock: File,
    pub(super) meter: TierMeter,
}

#[derive(Debug, Default)]
struct Index {
    files: HashMap<Sha256Digest, Entry>,
    by_use: BTreeMap<u64, Sha256Digest>,
    bytes: u64,
    uses: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    size: u64,
    used: u64,
    /// The modification time of the file when its contents were checked; `None` if they were not.
    proven: Option<SystemTime>,
}

impl DiskTier {
    /// Creates the folder if it does not exist; fails if another process uses it.
    pub(super) fn open(config: &DiskConfig) -> io::Result<Self> {
        let DiskConfig { folder, capacity } = config.clone();
        fs::create_dir_all(&folder)?;
        let lock = lock(&folder.join(LOCK))?;
        let parts = folder.join(PARTS);
        match fs::remove_dir_all(&parts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&parts)?,
        }
        Ok(Self {
            folder,
            capacity,
            index: Mutex::default(),
            reserved: Arc::default(),
            parts: AtomicU64::new(0),
            paused_at: Mutex::default(),
            _lock: lock,
            meter: TierMeter::new("disk"),
        })
    }

    /// Adds the files that an earlier process left.
    pub(super) fn take_over(&self) -> io::Result<()> {
        let mut left = Vec::new();
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?.path();
            if folder.ends_with(PARTS) || !folder.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder)? {
                let file = file?;
                let digest = file.file_name().to_str().and_then(|name| name.parse::<Sha256Digest>().ok());
                if let (Some(digest), Ok(metadata)) = (digest, file.metadata()) {
                    left.push((metadata.accessed().unwrap_or(SystemTime::UNIX_EPOCH), digest, metadata.len()));
                }
            }
        }
        left.sort_unstable_by_key(|(used, ..)| *used);
        for (_, digest, size) in left {
            let mut index = self.index();
            if !index.files.contains_key(&digest) {
                index.put(digest, size, None);
            }
        }
        self.make_room(0);
        Ok(())
    }

    /// Opens a checked file at the first byte of `range`.
    pub(super) fn get(&self, sha256: &Sha256Digest, range: &Range<u64>) -> io::Result<Option<File>> {
        let file = self.unchanged(sha256, range.start)?;
        self.meter.count(file.is_some());
        Ok(file)
    }

    fn unchanged(&self, sha256: &Sha256Digest, start: u64) -> io::Result<Option<File>> {
        let Some((size, written)) = self.index().use_proven(sha256) else { return Ok(None) };
        let Some(mut file) = self.file(sha256)? else { return Ok(None) };
        let metadata = file.metadata()?;
        if metadata.len() != size || metadata.modified()? != written {
            tracing::warn!(event = "cached_archive_changed", sha256 = %sha256, "a cached archive was changed; it is checked again");
            self.index().distrust(sha256);
            return Ok(None);
        }
        // So that the next process knows which files were used last. It does not matter if this fails.
        let _ = file.set_times(FileTimes::new().set_accessed(SystemTime::now()));
        file.seek(SeekFrom::Start(start))?;
        Ok(Some(file))
    }

    fn file(&self, sha256: &Sha256Digest) -> io::Result<Option<File>> {
        match File::open(self.path(sha256)) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.index().forget(sha256);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether there is a file with that digest whose contents are right; a wrong one is deleted.
    pub(super) fn prove(&self, sha256: &Sha256Digest) -> io::Result<bool> {
        let Some(mut file) = self.file(sha256)? else { return Ok(false) };
        // Before reading: a change during the read then shows as a later modification time.
        let written = file.metadata()?.modified()?;
        let (mut hasher, mut chunk, mut size) = (sha2::Sha256::new(), vec![0; CHUNK], 0);
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            hasher.update(&chunk[..read]);
        }
        let is_right = Sha256Digest::from(<[u8; 32]>::from(hasher.finalize())) == *sha256;
        if is_right {
            self.index().put(*sha256, size, Some(written));
        } else {
            tracing::warn!(event = "cached_archive_damaged", sha256 = %sha256, "a cached archive is damaged and was deleted");
            self.delete(sha256);
        }
        Ok(is_right)
    }

    /// A new file for `size` bytes with its space reserved; `None` if there is not enough space, or was
    /// not a moment ago.
    pub(super) fn begin(&self, size: u64) -> io::Result<Option<(File, Part)>> {
        if self.paused_at().is_some_and(|at| at.elapsed() < PAUSE) {
            return Ok(None);
        }
        let Some(reservation) = self.make_room(size) else { return Ok(None) };
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(PARTS).join(number.to_string());
        let create = || {
            let file = File::options().read(true).write(true).create_new(true).open(&path)?;
            // Reserve the space now, not after readers have received a part of the archive.
            let part = Part { path: path.clone(), reservation };
            allocate(&file, size).map(|()| (file, part))
        };
        create().map(Some).inspect_err(|_| self.pause())
    }

    /// Starts no file for a while.
    pub(super) fn pause(&self) {
        *self.paused_at() = Some(Instant::now());
    }

    fn paused_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.paused_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a complete, checked file.
    pub(super) fn keep(&self, part: Part, sha256: &Sha256Digest) -> io::Result<()> {
        let path = self.path(sha256);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let metadata = fs::metadata(&part.path)?;
        let written = metadata.modified()?;
        fs::rename(&part.path, path)?;
        let mut index = self.index();
        // Hold the lock here, so that the space of the part is not given to another file in between.
        drop(part);
        index.put(*sha256, metadata.len(), Some(written));
        Ok(())
    }

    /// Deletes the least recently used files until there is space for `size` bytes more; `None` if the
    /// files that are being written leave too little.
    fn make_room(&self, size: u64) -> Option<Reservation> {
        loop {
            let mut index = self.index();
            let reserved = self.reserved.load(Ordering::Acquire) + size;
            if reserved > self.capacity {
                return None;
            }
            if index.bytes + reserved <= self.capacity {
                self.reserved.fetch_add(size, Ordering::AcqRel);
                return Some(Reservation { of: Arc::clone(&self.reserved), bytes: size });
            }
            let victim = index.by_use.values().next().copied()?;
            index.forget(&victim);
            drop(index);
            self.remove(&victim);
        }
    }

    fn delete(&self, sha256: &Sha256Digest) {
        self.index().forget(sha256);
        self.remove(sha256);
    }

    fn remove(&self, sha256: &Sha256Digest) {
        // Readers that have the file open can go on. If it cannot be deleted, the next process adds it
        // again.
        let _ = fs::remove_file(self.path(sha256));
    }

    fn path(&self, sha256: &Sha256Digest) -> PathBuf {
        let name = sha256.to_string();
        self.folder.join(&name[..2]).join(name)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn put(&mut self, sha256: Sha256Digest, size: u64, proven: Option<SystemTime>) {
        self.forget(&sha256);
        self.uses += 1;
        self.files.insert(sha256, Entry { size, used: self.uses, proven });
        self.by_use.insert(self.uses, sha256);
        self.bytes += size;
    }

    fn forget(&mut self, sha256: &Sha256Digest) {
        if let Some(entry) = self.files.remove(sha256) {
            self.by_use.remove(&entry.used);
            self.bytes -= entry.size;
        }
    }

    fn distrust(&mut self, sha256: &Sha256Digest) {
        if let Some(entry) = self.files.get_mut(sha256) {
            entry.proven = None;
        }
    }

    /// The size of a checked file, and when it was written.
    fn use_proven(&mut self, sha256: &Sha256Digest) -> Option<(u64, SystemTime)> {
        let entry = self.files.get_mut(sha256)?;
        let proven = (entry.size, entry.proven?);
        self.by_use.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.by_use.insert(self.uses, *sha256);
        Some(proven)
    }
}

/// A file that is being written; deleted on drop unless it was kept.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    #[expect(dead_code, reason = "held for as long as the file is written")]
    reservation: Reservation,
}

impl Drop for Part {
    fn drop(&mut self) {
        // A kept file has been moved away by now, so there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}

/// Reserved space, released on drop.
#[derive(Debug)]
struct Reservation {
    of: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

fn lock(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another process keeps archives in this folder")),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Allocates `size` bytes on the disk, if the file system supports it.
#[cfg(target_os = "linux")]
fn allocate(file: &File, size: u64) -> io::Result<()> {
    use rustix::{
        fs::{FallocateFlags, fallocate},
        io::Errno,
    };

    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, size.max(1)) {
        Err(error) if [Errno::NOSPC, Errno::DQUOT, Errno::FBIG, Errno::IO].contains(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{io::Write, path::Path};

    use super::*;

    fn tier(folder: &Path, capacity: u64) -> DiskTier {
        let tier = DiskTier::open(&DiskConfig { folder: folder.to_owned(), capacity }).expect("a folder");
        tier.take_over().expect("taken over");
        tier
    }

    fn keep(tier: &DiskTier, bytes: &[u8]) -> Sha256Digest {
        let sha256 = Sha256Digest::of(bytes);
        let (mut file, part) = tier.begin(bytes.len() as u64).expect("a file").expect("room");
        file.write_all(bytes).expect("written");
        tier.keep(part, &sha256).expect("kept");
        sha256
    }

    fn has(tier: &DiskTier, sha256: &Sha256Digest) -> bool {
        tier.get(sha256, &(0..1)).expect("read").is_some()
    }

    #[test]
    fn what_was_used_the_longest_ago_goes_first() {
        let folder = tempfile::tempdir().expect("folder");
        let tier = tier(folder.path(), 30);
        let [one, two, three] = [b"one-------", b"two-------", b"three-----"].map(|bytes| keep(&tier, bytes));
        assert!(has(&tier, &one));
        let four = keep(&tier, b"four------");
        assert!(!has(&tier, &two) && [one, three, four].iter().all(|kept| has(&tier, kept)));
        assert!(tier.begin(31).expect("a disk").is_none() && has(&tier, &one), "what is larger than all is not kept");
        let files = walk(folder.path());
        assert_eq!(files, 3 + 1, "nothing is left of what went, beside the lock");
    }

    #[test]
    fn what_is_being_written_counts() {
        let folder = tempfile::tempdir().expect("folder");
        let tier = tier(folder.path(), 30);
        let [one, two] = [b"one-------", b"two-------"].map(|bytes| keep(&tier, bytes));
        let writing = tier.begin(20).expect("a disk").expect("room");
        assert!(!has(&tier, &one) && has(&tier, &two), "room was made for it");
        assert!(tier.begin(11).expect("a disk").is_none() && has(&tier, &two), "nothing goes in vain");
        drop(writing);
        let three = keep(&tier, b"three-----");
        assert!(has(&tier, &two) && has(&tier, &three), "its room was given back");
        assert_eq!(tier.index().bytes, 20);
    }

    #[test]
    fn what_is_changed_is_not_trusted() {
        let folder = tempfile::tempdir().expect("folder");
        let tier = tier(folder.path(), 1000);
        let [changed, short, long_ago] = [b"changed", b"short--", b"long---"].map(|bytes| keep(&tier, bytes));
        fs::write(tier.path(&changed), b"Changed").expect("written");
        File::options().write(true).open(tier.path(&short)).and_then(|file| file.set_len(3)).expect("cut");
        let touched = File::options().write(true).open(tier.path(&long_ago)).expect("a file");
        touched.set_modified(SystemTime::UNIX_EPOCH).expect("touched");
        for sha256 in [&changed, &short, &long_ago] {
            assert!(!has(&tier, sha256));
        }
        assert!(!tier.prove(&changed).expect("read") && !tier.prove(&short).expect("read"));
        assert!(tier.prove(&long_ago).expect("read") && has(&tier, &long_ago));
    }

    #[test]
    fn a_folder_is_one_process_s() {
        let folder = tempfile::tempdir().expect("folder");
        let first = tier(folder.path(), 1000);
        let config = DiskConfig { folder: folder.path().to_owned(), capacity: 1000 };
        let refused = DiskTier::open(&config).expect_err("it is in use");
        assert!(refused.to_string().contains("another process"), "{refused}");
        drop(first);
        DiskTier::open(&config).expect("free again");
    }

    #[test]
    fn what_another_process_left_is_trusted_once_it_was_read() {
        let folder = tempfile::tempdir().expect("folder");
        let (right, wrong) = {
            let tier = tier(folder.path(), 1000);
            std::mem::forget(tier.begin(5).expect("a file"));
            (keep(&tier, b"right"), keep(&tier, b"wrong"))
        };
        fs::write(tier(folder.path(), 1000).path(&wrong), b"wrongs").expect("damaged");
        let tier = tier(folder.path(), 1000);
        assert!(!has(&tier, &right) && !has(&tier, &wrong));
        assert!(tier.prove(&right).expect("read") && has(&tier, &right));
        assert!(!tier.prove(&wrong).expect("read") && !has(&tier, &wrong));
        assert_eq!(walk(folder.path()), 1 + 1, "beside the lock");
        assert_eq!(tier.index().bytes, 5);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_found_before_anything_is_written() {
        let folder = tempfile::tempdir().expect("folder");
        let tier = tier(folder.path(), u64::MAX);
        tier.begin(1 << 60).expect_err("no disk has so much room");
        assert!(tier.begin(1).expect("paused").is_none());
        assert_eq!((walk(folder.path()), tier.reserved.load(Ordering::Acquire)), (1, 0), "nothing is left of it");
    }

    #[test]
    fn nothing_is_begun_right_after_writing_failed() {
        let folder = tempfile::tempdir().expect("folder");
        let tier = tier(folder.path(), 1000);
        let kept = keep(&tier, b"kept");
        tier.pause();
        assert!(tier.begin(1).expect("a disk").is_none() && has(&tier, &kept), "what is there already is read");
    }

    fn walk(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path());
        entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
    }
}
