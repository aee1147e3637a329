//! Files of a package in its author's folder, read by the rules by which they are packed.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// The most bytes of a text that are read: more than any tool takes.
pub(crate) const MAX_TEXT: u64 = 16 * 1024 * 1024;

/// Why a file is not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// There is nothing of that name, or a folder.
    Missing,
    /// It cannot be packed: what is wrong and what to do about it, to stand behind its path.
    Refused(String),
    /// What the system says.
    Failed(io::Error),
}

/// Where the file at `path` really lies, which is inside the package at `root`, an absolute path without links.
pub(crate) fn locate(root: &Path, path: &Path) -> Result<PathBuf, Unread> {
    let real = fs::canonicalize(path).map_err(|error| match error.kind() {
        _ if fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink()) => {
            Unread::Refused("is a link that leads nowhere; mend it".to_owned())
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unread::Missing,
        _ => Unread::Failed(error),
    })?;
    if !real.starts_with(root) {
        return Err(Unread::Refused("is a link that leads out of the package; copy the file".to_owned()));
    }
    Ok(real)
}

/// Reads the file at `path` of the package in the folder `root`, if it has at most `max` bytes.
pub(crate) fn read(root: &Path, path: &str, max: u64) -> Result<Vec<u8>, Unread> {
    let root = fs::canonicalize(root).map_err(Unread::Failed)?;
    let real = locate(&root, &root.join(path))?;
    // Opening a pipe would wait for its writer.
    let data = fs::metadata(&real).map_err(Unread::Failed)?;
    if data.is_dir() {
        return Err(Unread::Missing);
    }
    if !data.is_file() {
        return Err(Unread::Refused("is no regular file; remove it".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(&real).and_then(|file| file.take(max + 1).read_to_end(&mut bytes)).map_err(Unread::Failed)?;
    if bytes.len() as u64 > max {
        return Err(Unread::Refused(format!("has more than {max} bytes; shorten it")));
    }
    Ok(bytes)
}
