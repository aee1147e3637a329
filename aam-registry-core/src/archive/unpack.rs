use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::{
    judge::{Sink, judge_into},
    limits::ArchiveLimits,
    names::NameRule,
};
use crate::{
    error::{Error, Result},
    types::ArchiveFile,
};

/// Unpacks a complete `.aam` into the existing, empty folder `into`, and lists the files it wrote by
/// path.
///
/// Checks the archive with the same rules as the registry. Writes only below `into`, overwrites nothing
/// and follows no link; a link in the archive becomes a copy of the file it names. Executable files get
/// mode 755, others 644, both reduced by the process's umask. After a failure `into` is empty again.
/// Blocks.
///
/// # Errors
/// As for [`judge`](super::judge); [`InvalidRequest`](Error::InvalidRequest) if `into` is not an empty
/// folder; an internal error if the disk fails.
pub fn unpack(mut reader: impl Read, into: &Path, limits: &ArchiveLimits) -> Result<Vec<ArchiveFile>> {
    let mut entries = fs::read_dir(into).map_err(|error| disk(into, &error))?;
    if entries.next().is_some() {
        return Err(Error::invalid_request(format!("{} is not empty; unpack into a new folder", into.display())));
    }
    let limits = match limits.names() {
        // Never unpack files that git would execute, even if the caller accepts all names.
        NameRule::Any => limits.with_names(NameRule::Unpackable),
        _ => *limits,
    };
    let mut folder = Folder { root: into, made: HashSet::new(), open: None };
    let unpacked = judge_into(&mut reader, &limits, &mut |_| Ok(()), &mut folder);
    drop(folder);
    match unpacked {
        Ok(archive) => Ok(archive.files),
        Err(error) => {
            // If removing fails too, the first error is the one to report.
            let _ = clear(into);
            Err(error)
        }
    }
}

struct Folder<'a> {
    root: &'a Path,
    /// The folders created so far, as paths in the archive.
    made: HashSet<String>,
    open: Option<(File, PathBuf)>,
}

impl Folder<'_> {
    /// Creates the folder at `path` and its parents.
    fn make(&mut self, path: &str) -> Result<()> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for folder in ends.map(|end| &path[..end]) {
            if !folder.is_empty() && !self.made.contains(folder) {
                let on_disk = self.root.join(folder);
                fs::create_dir(&on_disk).map_err(|error| disk(&on_disk, &error))?;
                self.made.insert(folder.to_owned());
            }
        }
        Ok(())
    }

    fn create(&mut self, path: &str, executable: bool) -> Result<(File, PathBuf)> {
        self.make(path.rsplit_once('/').map_or("", |(folder, _)| folder))?;
        let on_disk = self.root.join(path);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        set_mode(&mut options, executable);
        let file = options.open(&on_disk).map_err(|error| disk(&on_disk, &error))?;
        Ok((file, on_disk))
    }
}

impl Sink for Folder<'_> {
    fn folder(&mut self, path: &str) -> Result<()> {
        self.make(path)
    }

    fn file(&mut self, path: &str, _size: u64, executable: bool) -> Result<()> {
        self.open = Some(self.create(path, executable)?);
        Ok(())
    }

    fn write(&mut self, piece: &[u8]) -> Result<()> {
        match &mut self.open {
            Some((file, path)) => file.write_all(piece).map_err(|error| disk(path, &error)),
            None => Ok(()),
        }
    }

    fn end(&mut self, _file: &ArchiveFile) -> Result<()> {
        self.open = None;
        Ok(())
    }

    fn copy(&mut self, original: &str, copy: &ArchiveFile) -> Result<()> {
        let original = self.root.join(original);
        let (mut file, path) = self.create(&copy.path, copy.executable)?;
        let mut contents = File::open(&original).map_err(|error| disk(&original, &error))?;
        io::copy(&mut contents, &mut file).map_err(|error| disk(&path, &error))?;
        Ok(())
    }
}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, executable: bool) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(if executable { 0o755 } else { 0o644 });
}

#[cfg(not(unix))]
fn set_mode(_options: &mut OpenOptions, _executable: bool) {}

fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    Ok(())
}

/// A failure of the local disk; its kind stays to be seen in the sources of the error.
pub(super) fn disk(path: &Path, error: &io::Error) -> Error {
    Error::internal(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
