//! Writing a file that a person named, so that a reader sees the old bytes or the new ones.

use std::path::Path;

pub(crate) use crate::confined::Mode;
use crate::{
    confined::Folder,
    failure::{Failure, Result},
};

/// Writes `bytes` to `path`, making its folders; an existing file, or a link
/// in its place, is replaced whole.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: Mode) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Failure::usage(format!("{} cannot be written: its name is no text", path.display())))?;
    Folder::create(folder)?.write(name, bytes, mode)
}
