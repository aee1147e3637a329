use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use sha2::Digest;

use super::config::DiskConfig;
use crate::{decorate::TierMeter, types::Sha256Digest};

/// Where files lie until they are whole and were found to be right.
const PARTS: &str = "parts";
/// How much of a file is read at once to look whether it is right.
const CHUNK: usize = 256 << 10;
/// How long nothing is written after that failed, so that a full disk does not end every download.
const PAUSE: Duration = Duration::from_mins(1);

/// Archives in files named by their digest, bounded by their bytes; those that
/// were not asked for the longest go first. Every method blocks.
///
/// What a process before this one left is not trusted until it was read once.
#[derive(Debug)]
pub(super) struct DiskTier {
    folder: PathBuf,
    capacity: u64,
    index: Mutex<Index>,
    parts: AtomicU64,
    paused_at: Mutex<Option<Instant>>,
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
    is_right: bool,
}

impl DiskTier {
    /// Creates the folder where there is none.
    pub(super) fn open(config: &DiskConfig) -> io::Result<Self> {
        let DiskConfig { folder, capacity } = config.clone();
        let parts = folder.join(PARTS);
        match fs::remove_dir_all(&parts) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&parts)?,
        }
        let (index, meter) = (Mutex::default(), TierMeter::new("disk"));
        Ok(Self { folder, capacity, index, parts: AtomicU64::new(0), paused_at: Mutex::default(), meter })
    }

    /// Takes over what a process before this one left.
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
                    left.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), digest, metadata.len()));
                }
            }
        }
        left.sort_unstable_by_key(|(used, ..)| *used);
        for (_, digest, size) in left {
            let mut index = self.index();
            if !index.files.contains_key(&digest) {
                index.put(digest, size, false);
            }
        }
        self.evict();
        Ok(())
    }

    /// A file that was found to be right, at the first byte of `range`.
    pub(super) fn get(&self, sha256: &Sha256Digest, range: &Range<u64>) -> io::Result<Option<File>> {
        let is_right = self.index().use_if_right(sha256);
        let file = if is_right { self.file(sha256, range.start)? } else { None };
        self.meter.count(file.is_some());
        Ok(file)
    }

    fn file(&self, sha256: &Sha256Digest, start: u64) -> io::Result<Option<File>> {
        match File::open(self.path(sha256)) {
            Ok(mut file) => {
                file.seek(SeekFrom::Start(start))?;
                // So that the next process knows which were used last; it is no loss where that fails.
                let _ = file.set_modified(SystemTime::now());
                Ok(Some(file))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.index().forget(sha256);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether there is a file of that digest, and it is right; a wrong one is deleted.
    pub(super) fn prove(&self, sha256: &Sha256Digest) -> io::Result<bool> {
        let Some(mut file) = self.file(sha256, 0)? else { return Ok(false) };
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
            self.index().put(*sha256, size, true);
        } else {
            tracing::warn!(event = "cached_archive_damaged", sha256 = %sha256, "a cached archive is damaged and was deleted");
            self.delete(sha256);
        }
        Ok(is_right)
    }

    /// A new file to write to, which is nobody's yet.
    pub(super) fn begin(&self) -> io::Result<(File, Part)> {
        if self.paused_at().is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(io::Error::other("it could not be written a moment ago"));
        }
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(PARTS).join(number.to_string());
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok((file, Part { path }))
    }

    /// Begins no file for a while.
    pub(super) fn pause(&self) {
        *self.paused_at() = Some(Instant::now());
    }

    fn paused_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.paused_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was written and found to be right.
    pub(super) fn keep(&self, part: &Part, sha256: &Sha256Digest, size: u64) -> io::Result<()> {
        if size > self.capacity {
            return Ok(());
        }
        let path = self.path(sha256);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&part.path, path)?;
        self.index().put(*sha256, size, true);
        self.evict();
        Ok(())
    }

    fn evict(&self) {
        loop {
            let victim = {
                let index = self.index();
                if index.bytes <= self.capacity {
                    return;
                }
                index.by_use.values().next().copied()
            };
            let Some(victim) = victim else { return };
            self.delete(&victim);
        }
    }

    fn delete(&self, sha256: &Sha256Digest) {
        self.index().forget(sha256);
        // Whoever reads it goes on; where it cannot be deleted, the next process takes it over.
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
    fn put(&mut self, sha256: Sha256Digest, size: u64, is_right: bool) {
        self.forget(&sha256);
        self.uses += 1;
        self.files.insert(sha256, Entry { size, used: self.uses, is_right });
        self.by_use.insert(self.uses, sha256);
        self.bytes += size;
    }

    fn forget(&mut self, sha256: &Sha256Digest) {
        if let Some(entry) = self.files.remove(sha256) {
            self.by_use.remove(&entry.used);
            self.bytes -= entry.size;
        }
    }

    fn use_if_right(&mut self, sha256: &Sha256Digest) -> bool {
        let Some(entry) = self.files.get_mut(sha256).filter(|entry| entry.is_right) else { return false };
        self.by_use.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.by_use.insert(self.uses, *sha256);
        true
    }
}

/// A file that is being written; deleted with this unless it was kept.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
}

impl Drop for Part {
    fn drop(&mut self) {
        // Kept, it lies elsewhere by now.
        let _ = fs::remove_file(&self.path);
    }
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
        let (mut file, part) = tier.begin().expect("a file");
        file.write_all(bytes).expect("written");
        tier.keep(&part, &sha256, bytes.len() as u64).expect("kept");
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
        let large = keep(&tier, &[7; 31]);
        assert!(!has(&tier, &large) && has(&tier, &one), "what is larger than all is not kept");
        let files = walk(folder.path());
        assert_eq!(files, 3, "nothing is left of what went");
    }

    #[test]
    fn what_another_process_left_is_trusted_once_it_was_read() {
        let folder = tempfile::tempdir().expect("folder");
        let (right, wrong) = {
            let tier = tier(folder.path(), 1000);
            drop(tier.begin().map(|(_, part)| std::mem::forget(part)));
            (keep(&tier, b"right"), keep(&tier, b"wrong"))
        };
        fs::write(tier(folder.path(), 1000).path(&wrong), b"wrongs").expect("damaged");
        let tier = tier(folder.path(), 1000);
        assert!(!has(&tier, &right) && !has(&tier, &wrong));
        assert!(tier.prove(&right).expect("read") && has(&tier, &right));
        assert!(!tier.prove(&wrong).expect("read") && !has(&tier, &wrong));
        assert_eq!(walk(folder.path()), 1);
        assert_eq!(tier.index().bytes, 5);
    }

    #[test]
    fn nothing_is_begun_right_after_writing_failed() {
        let folder = tempfile::tempdir().expect("folder");
        let tier = tier(folder.path(), 1000);
        let kept = keep(&tier, b"kept");
        tier.pause();
        assert!(tier.begin().is_err() && has(&tier, &kept), "what is there already is read");
    }

    fn walk(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path());
        entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
    }
}
