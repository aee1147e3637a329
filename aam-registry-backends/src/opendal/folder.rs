use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use aam_registry_core::{
    ports::{ArchiveContent, StoredArchive},
    types::ArchiveKey,
};
use bytes::Bytes;
use jiff::Timestamp;

use super::store::SMALL;

/// How the name of what is not whole yet ends.
const PART: &str = ".part";

/// What a local folder needs beside OpenDAL, which syncs no folder, has no
/// abort there and reads into buffers of its own. Every method blocks.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// The folders whose own entries were synced since this process started.
    settled: Mutex<HashSet<PathBuf>>,
}

impl Folder {
    /// Creates the folder where it does not exist, durably.
    pub(super) fn create(root: &Path) -> io::Result<Self> {
        // A relative path ends before the folder it is relative to.
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

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the bytes of an archive lie until they are all there: beside it,
    /// so that the rename stays in one file system, and under a name that is
    /// no archive's and that a delete by somebody else can tell.
    fn part(&self, key: &ArchiveKey) -> PathBuf {
        self.root.join(format!("{key}{PART}"))
    }

    /// Makes an empty part, and the folders it lies in but for the root: a disk
    /// mounted there later would hide what was written in its place.
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

    /// Removes a part; it is no error where there is none.
    pub(super) fn remove_part(&self, key: &ArchiveKey) -> io::Result<()> {
        found(fs::remove_file(self.part(key))).map(drop)
    }

    /// Gives a synced part its name, durably.
    pub(super) fn publish(&self, key: &ArchiveKey) -> io::Result<()> {
        let path = self.root.join(key.as_str());
        fs::rename(self.part(key), &path)?;
        let mut folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
        let Some(parent) = folders.next() else { return Ok(()) };
        sync_folder(parent)?;
        // The folder may be new, made by any writer; whoever acknowledges first must not trust in the other's sync.
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

    /// Asked of the system, which tells what passes from what does not; OpenDAL takes either for passing.
    pub(super) fn size(&self, key: &ArchiveKey) -> io::Result<Option<u64>> {
        Ok(found(fs::metadata(self.root.join(key.as_str())))?.map(|metadata| metadata.len()))
    }

    /// Up to `limit` parts in the order of their keys, from behind `after`.
    pub(super) fn unfinished(&self, after: Option<&ArchiveKey>, limit: usize) -> io::Result<Vec<StoredArchive>> {
        let archives = self.root.join(ArchiveKey::PREFIX);
        let mut parts = Vec::new();
        for folder in names(&archives)? {
            // Nothing in it comes behind `after` where its last possible key does not.
            if after.is_some_and(|after| format!("{}{folder}/~", ArchiveKey::PREFIX).as_str() < after.as_str()) {
                continue;
            }
            for name in names(&archives.join(&folder))? {
                let key = name.strip_suffix(PART).map(|name| format!("{}{folder}/{name}", ArchiveKey::PREFIX));
                let Some(key) = key.and_then(|key| key.parse::<ArchiveKey>().ok()) else { continue };
                if after.is_some_and(|after| key <= *after) {
                    continue;
                }
                if parts.len() == limit {
                    return Ok(parts);
                }
                let Some(metadata) = found(fs::metadata(archives.join(&folder).join(&name)))? else { continue };
                let modified_at = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
                parts.push(StoredArchive { key, size: metadata.len(), modified_at });
            }
        }
        Ok(parts)
    }

    /// Writes whose archives these are, durably.
    pub(super) fn write_owner(&self, mark: &[u8]) -> io::Result<()> {
        let path = self.root.join(ArchiveKey::OWNER);
        let folder = self.root.join(ArchiveKey::PREFIX);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // Beside its place under a name of its own: another process may write it, too.
        let new = folder.join(format!("registry-id.{}{PART}", std::process::id()));
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

/// The names in a folder in their order; those that are no text are nobody's here.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = found(fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// `None` for what is not there, or lies in what is no folder.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the entries of a folder durable (`fsync(2)`: the sync of a file does
/// not say that its name is on disk).
fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows opens no folder as a file, and writes their entries through.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
