//! Writing a file that a person named, so that a reader sees the old bytes or the new ones.

use std::path::Path;

pub(crate) use crate::confined::Mode;
use crate::{
    confined::{Folder, Unfinished},
    failure::{Failure, Result},
};

/// Begins to write the file at `path`, and makes its folders, which are found as [`Folder::named`] says.
pub(crate) fn begin(path: &Path, mode: Mode) -> Result<Unfinished> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Failure::usage(format!("{} cannot be written: its name is no text", path.display())))?;
    Folder::named(folder)?.begin(name, mode)
}
