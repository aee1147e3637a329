use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use aam_registry_core::{
    ports::{ArchiveContent, StoredArchive},
    types::ArchiveKey,
};
use bytes::Bytes;
use jiff::Timestamp;

use crate::archive_rules::SMALL;

/// The suffix of files that are not complete yet.
const PART: &str = ".part";

/// How often this process began to write the mark of a registry.
static OWNERS_WRITTEN: AtomicUsize = AtomicUsize::new(0);

/// The files of a folder with archives. Every method blocks.
///
/// OpenDAL does not carry this: its `fs` service syncs no folders, cannot abort a write, and reads into
/// its own buffers.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    /// The folders that have been synced since this process started.
    settled: Mutex<HashSet<PathBuf>>,
}

impl Files {
    /// Creates the folder, durably, if it does not exist.
    pub(super) fn create(root: &Path) -> io::Result<Self> {
        // The ancestors of a relative path end before the folder it is relative to.
        let root = std::path::absolute(root)?;
        let existing = root.ancestors().find(|folder| folder.is_dir()).map(Path::to_path_buf);
        fs::create_dir_all(&root)?;
        let root = root.canonicalize()?;
        if let Some(existing) = existing.and_then(|folder| folder.canonicalize().ok()) {
            for folder in root.ancestors().take_while(|folder| folder.starts_with(&existing)) {
                sync_folder(folder)?;
            }
        }
        Ok(Self { root, settled: Mutex::default() })
    }

    /// The path of an incomplete archive: beside the archive, so that the rename stays within one file
    /// system, and under a name that is not an archive's, so that a delete finds it.
    fn part(&self, key: &ArchiveKey) -> PathBuf {
        self.root.join(format!("{key}{PART}"))
    }

    /// Creates an empty part file, and its folders except the root: if a disk is mounted on the root
    /// later, it would hide files written before.
    pub(super) fn create_part(&self, key: &ArchiveKey) -> io::Result<File> {
        let path = self.part(key);
        match File::create(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            created => return created,
        }
        let folders: Vec<_> = path.ancestors().skip(1).take_while(|folder| **folder != *self.root).collect();
        for folder in folders.into_iter().rev() {
            match fs::create_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        File::create(&path)
    }

    /// Deletes an archive and its part file; succeeds if there is neither.
    pub(super) fn delete(&self, key: &ArchiveKey) -> io::Result<()> {
        // The part file first: in between, it may become the archive, but an archive never becomes a
        // part file.
        self.remove_part(key)?;
        found(fs::remove_file(self.root.join(key.as_str()))).map(drop)
    }

    /// Removes a part file; succeeds if there is none.
    pub(super) fn remove_part(&self, key: &ArchiveKey) -> io::Result<()> {
        found(fs::remove_file(self.part(key))).map(drop)
    }

    /// Renames a synced part file to its final name, durably.
    pub(super) fn publish(&self, key: &ArchiveKey) -> io::Result<()> {
        let path = self.root.join(key.as_str());
        fs::rename(self.part(key), &path)?;
        let mut folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
        let Some(parent) = folders.next() else { return Ok(()) };
        sync_folder(parent)?;
        // The folder may be new, and another writer may have created it. This writer must not rely on
        // the other's sync, since it may be acknowledged first.
        if !self.settled().contains(parent) {
            for folder in folders {
                sync_folder(folder)?;
            }
            self.settled().insert(parent.to_path_buf());
        }
        Ok(())
    }

    fn settled(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self, key: &ArchiveKey, range: Option<Range<u64>>) -> io::Result<Option<ArchiveContent>> {
        let Some(mut file) = found(File::open(self.root.join(key.as_str())))? else { return Ok(None) };
        let size = file.metadata()?.len();
        let range = range.unwrap_or(0..size);
        if range.end > size || range.start > range.end {
            let reason = format!("range {range:?} lies outside the {size} bytes of {key}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let len = range.end - range.start;
        file.seek(SeekFrom::Start(range.start))?;
        if len > SMALL {
            return Ok(Some(ArchiveContent::File { file, len }));
        }
        let mut bytes = Vec::new();
        file.take(len).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != len {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{key} shrank while it was read")));
        }
        Ok(Some(ArchiveContent::Bytes(Bytes::from(bytes))))
    }

    pub(super) fn size(&self, key: &ArchiveKey) -> io::Result<Option<u64>> {
        Ok(found(fs::metadata(self.root.join(key.as_str())))?.map(|metadata| metadata.len()))
    }

    /// Up to `limit` archives in the order of their keys, after `after`.
    pub(super) fn finished(&self, after: Option<&ArchiveKey>, limit: usize) -> io::Result<Vec<StoredArchive>> {
        self.list("", after, limit)
    }

    /// Up to `limit` part files in the order of their keys, after `after`.
    pub(super) fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> io::Result<Vec<StoredArchive>> {
        self.list(PART, after, limit)
    }

    /// The files whose names are a key followed by `suffix`.
    fn list(&self, suffix: &str, after: Option<&ArchiveKey>, limit: usize) -> io::Result<Vec<StoredArchive>> {
        let archives = self.root.join(ArchiveKey::PREFIX);
        let mut listed = Vec::new();
        for folder in names(&archives)? {
            // Skip a folder whose last possible key does not come after `after`.
            if after.is_some_and(|after| format!("{}{folder}/~", ArchiveKey::PREFIX).as_str() < after.as_str()) {
                continue;
            }
            for name in names(&archives.join(&folder))? {
                let key = name.strip_suffix(suffix).map(|name| format!("{}{folder}/{name}", ArchiveKey::PREFIX));
                let Some(key) = key.and_then(|key| key.parse::<ArchiveKey>().ok()) else { continue };
                if after.is_some_and(|after| key <= *after) {
                    continue;
                }
                if listed.len() == limit {
                    return Ok(listed);
                }
                let Some(metadata) = found(fs::metadata(archives.join(&folder).join(&name)))? else { continue };
                let modified_at = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
                listed.push(StoredArchive { key, size: metadata.len(), modified_at });
            }
        }
        Ok(listed)
    }

    /// The mark with the registry's id, if there is one.
    pub(super) fn read_owner(&self) -> io::Result<Option<Vec<u8>>> {
        found(fs::read(self.root.join(ArchiveKey::OWNER)))
    }

    /// Writes the mark with the registry's id, durably.
    pub(super) fn write_owner(&self, mark: &[u8]) -> io::Result<()> {
        let path = self.root.join(ArchiveKey::OWNER);
        let folder = self.root.join(ArchiveKey::PREFIX);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // Written beside its final place under a name of its own, because another process, or another task of
        // this one, may write it too.
        let number = OWNERS_WRITTEN.fetch_add(1, Ordering::Relaxed);
        let new = folder.join(format!("registry-id.{}.{number}{PART}", std::process::id()));
        let mut file = File::create(&new)?;
        file.write_all(mark)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        sync_folder(&folder)?;
        sync_folder(&self.root)
    }

    pub(super) fn check(&self) -> io::Result<()> {
        fs::read_dir(&self.root).map(drop)
    }
}

/// The names in a folder, sorted; names that are not UTF-8 cannot be archives and are left out.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = found(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// `None` if the path does not exist, or a parent is not a folder.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the entries of a folder durable: syncing a file does not sync its name (`fsync(2)`).
fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows cannot open a folder as a file, and writes folder entries through.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
