//! Where backups are: a folder, or the prefix of a bucket.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use aam_registry_backends::opendal::{ObjectWriter, OpendalObjects};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use tempfile::{NamedTempFile, TempDir};

use super::BackupError;

/// How the names of files begin that are not whole yet.
const PART: &str = ".part-";
/// How many bytes of a file are read at a time.
const CHUNK: usize = 128 * 1024;

/// Where backups are.
#[expect(clippy::large_enum_variant, reason = "there is one for each command")]
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket.
    Bucket {
        /// The objects under the prefix.
        objects: OpendalObjects,
        /// As the operator named it.
        url: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Bucket { url, .. } => f.write_str(url),
        }
    }
}

/// Keeps other backups from the place while it lives.
#[derive(Debug)]
pub(crate) struct PlaceLock {
    _file: Option<File>,
}

impl Place {
    /// Makes the folder if it does not exist, readable by its owner alone: backups hold e-mail addresses and password
    /// hashes. Then keeps everybody else from it. A bucket cannot be locked.
    pub(super) fn lock_for_backup(&self) -> Result<PlaceLock, BackupError> {
        let Self::Folder(folder) = self else { return Ok(PlaceLock { _file: None }) };
        let failed = |error: io::Error| BackupError::Place(format!("{}: {error}", folder.display()));
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed)?;
        let file = OpenOptions::new().append(true).create(true).open(folder.join(".lock")).map_err(failed)?;
        file.try_lock().map_err(|_| {
            BackupError::Place(format!("another backup is being written or verified in {}", folder.display()))
        })?;
        self.remove_parts();
        Ok(PlaceLock { _file: Some(file) })
    }

    /// Keeps backups from the place, where that can be done: it may be mounted read-only.
    pub(super) fn lock_for_reading(&self) -> Result<PlaceLock, BackupError> {
        let Self::Folder(folder) = self else { return Ok(PlaceLock { _file: None }) };
        if !folder.is_dir() {
            return Err(BackupError::Place(format!("there is no folder {}", folder.display())));
        }
        let Ok(file) = OpenOptions::new().append(true).create(true).open(folder.join(".lock")) else {
            return Ok(PlaceLock { _file: None });
        };
        file.try_lock_shared().map_err(|_| {
            BackupError::Place(format!("a backup is being written in {}; try again then", folder.display()))
        })?;
        Ok(PlaceLock { _file: Some(file) })
    }

    /// Removes what backups left that were killed.
    fn remove_parts(&self) {
        let Self::Folder(folder) = self else { return };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(PART)) {
                let path = entry.path();
                let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            }
        }
    }

    /// A folder for files before they are put in their place.
    pub(super) fn staging(&self) -> Result<TempDir, BackupError> {
        let made = match self {
            Self::Folder(folder) => tempfile::Builder::new().prefix(PART).tempdir_in(folder),
            Self::Bucket { .. } => tempfile::tempdir(),
        };
        made.map_err(BackupError::place)
    }

    /// Starts writing the file `name`, which appears, or replaces another one, when it is whole and durable.
    pub(super) async fn create(&self, name: &str) -> Result<PlaceWriter, BackupError> {
        Ok(match self {
            Self::Folder(folder) => {
                let part = tempfile::Builder::new().prefix(PART).tempfile_in(folder).map_err(BackupError::place)?;
                PlaceWriter::File { part, to: folder.join(name) }
            }
            Self::Bucket { objects, .. } => {
                PlaceWriter::Object(objects.create(name).await.map_err(|error| BackupError::place(cause(&error)))?)
            }
        })
    }

    /// Writes a whole file.
    pub(super) async fn put(&self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        let mut writer = self.create(name).await?;
        writer.write(Bytes::copy_from_slice(bytes)).await?;
        writer.finish().await
    }

    /// Puts a file of [`staging`](Self::staging) in its place.
    pub(super) async fn put_file(&self, name: &str, staged: &Path) -> Result<(), BackupError> {
        match self {
            Self::Folder(folder) => {
                let put = || {
                    File::open(staged)?.sync_all()?;
                    let to = folder.join(name);
                    create_folder_of(&to)?;
                    fs::rename(staged, &to)?;
                    sync_folder_of(&to)
                };
                put().map_err(|error: io::Error| BackupError::Place(format!("{name}: {error}")))
            }
            Self::Bucket { .. } => {
                let mut writer = self.create(name).await?;
                let mut chunks = chunks_of(File::open(staged).map_err(BackupError::place)?);
                while let Some(chunk) = chunks.try_next().await.map_err(BackupError::place)? {
                    writer.write(chunk).await?;
                }
                writer.finish().await
            }
        }
    }

    /// The bytes of a file; `None` if there is none.
    pub(super) async fn open(&self, name: &str) -> Result<Option<BoxStream<'static, io::Result<Bytes>>>, BackupError> {
        match self {
            Self::Folder(folder) => match File::open(folder.join(name)) {
                Ok(file) => Ok(Some(chunks_of(file))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(BackupError::Place(format!("{name}: {error}"))),
            },
            Self::Bucket { objects, .. } => objects.open(name).await.map_err(|error| BackupError::place(cause(&error))),
        }
    }

    /// A small file as a whole.
    pub(super) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BackupError> {
        let Some(chunks) = self.open(name).await? else { return Ok(None) };
        let read = chunks.try_fold(Vec::new(), async |mut bytes, chunk| {
            bytes.extend_from_slice(&chunk);
            Ok(bytes)
        });
        read.await.map(Some).map_err(|error| BackupError::Place(format!("{name}: {error}")))
    }

    /// The names and sizes of the files below a folder, which ends with a slash.
    pub(super) async fn list(&self, folder: &str) -> Result<Vec<(String, u64)>, BackupError> {
        match self {
            Self::Folder(root) => {
                let mut found = Vec::new();
                list_into(root, folder.trim_end_matches('/'), &mut found)
                    .map_err(|error| BackupError::Place(format!("{}: {error}", root.display())))?;
                Ok(found)
            }
            Self::Bucket { objects, .. } => {
                let listed = objects.list(folder).await.map_err(|error| BackupError::place(cause(&error)))?;
                Ok(listed.into_iter().map(|object| (object.name, object.size)).collect())
            }
        }
    }

    /// Deletes a file; succeeds if there is none. A folder that is empty then is removed, too.
    pub(super) async fn delete(&self, name: &str) -> Result<(), BackupError> {
        match self {
            Self::Folder(root) => {
                let path = root.join(name);
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(BackupError::Place(format!("{name}: {error}")));
                    }
                    _ => {}
                }
                let above = path.ancestors().skip(1).take_while(|folder| *folder != root);
                // It fails for the first one that holds something else.
                let _ = above.into_iter().try_for_each(fs::remove_dir);
                Ok(())
            }
            Self::Bucket { objects, .. } => {
                objects.delete(name).await.map_err(|error| BackupError::place(cause(&error)))
            }
        }
    }
}

fn cause(error: &aam_registry_core::Error) -> String {
    crate::assemble::cause(error)
}

fn list_into(root: &Path, folder: &str, found: &mut Vec<(String, u64)>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = format!("{folder}/{name}");
        let data = entry.metadata()?;
        if data.is_dir() {
            list_into(root, &name, found)?;
        } else {
            found.push((name, data.len()));
        }
    }
    Ok(())
}

/// The chunks of an open file.
pub(super) fn chunks_of(file: File) -> BoxStream<'static, io::Result<Bytes>> {
    let chunks = stream::try_unfold(file, async |mut file| {
        let mut chunk = vec![0; CHUNK];
        let read = io::Read::read(&mut file, &mut chunk)?;
        chunk.truncate(read);
        Ok((read > 0).then(|| (Bytes::from(chunk), file)))
    });
    chunks.boxed()
}

/// Writes one file of a place.
#[expect(clippy::large_enum_variant, reason = "there are as many as files that are written at once")]
#[derive(Debug)]
pub(super) enum PlaceWriter {
    File { part: NamedTempFile, to: PathBuf },
    Object(ObjectWriter),
}

impl PlaceWriter {
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), BackupError> {
        match self {
            Self::File { part, .. } => part.write_all(&bytes).map_err(BackupError::place),
            Self::Object(writer) => writer.write(bytes).await.map_err(|error| BackupError::place(cause(&error))),
        }
    }

    pub(super) async fn finish(self) -> Result<(), BackupError> {
        match self {
            Self::File { part, to } => {
                let finish = || {
                    part.as_file().sync_all()?;
                    create_folder_of(&to)?;
                    part.persist(&to).map_err(|error| error.error)?;
                    sync_folder_of(&to)
                };
                finish().map_err(BackupError::place)
            }
            Self::Object(writer) => writer.finish().await.map_err(|error| BackupError::place(cause(&error))),
        }
    }
}

fn create_folder_of(file: &Path) -> io::Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.is_dir()) else { return Ok(()) };
    fs::create_dir_all(folder)?;
    sync_folder_of(folder)
}

fn sync_folder_of(file: &Path) -> io::Result<()> {
    let Some(folder) = file.parent() else { return Ok(()) };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
