use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use aam_registry_core::{ports::ArchiveContent, types::ArchiveKey};
use bytes::Bytes;

use super::store::SMALL;

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
    pub(super) fn part(key: &ArchiveKey) -> String {
        format!("{key}.part")
    }

    /// Gives a synced part its name, durably.
    pub(super) fn publish(&self, key: &ArchiveKey) -> io::Result<()> {
        let path = self.root.join(key.as_str());
        fs::rename(self.root.join(Self::part(key)), &path)?;
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
        let mut file = match File::open(self.root.join(key.as_str())) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
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

    pub(super) fn check(&self) -> io::Result<()> {
        fs::read_dir(&self.root).map(drop)
    }
}

/// Makes the entries of a folder durable (`fsync(2)`: the sync of a file does
/// not say that its name is on disk).
fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows opens no folder as a file, and writes their entries through.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
