//! What is said of a path that is not used.

use std::{io, path::Path};

use super::{Entry, Folder};
use crate::failure::{Failure, Kind};

/// Why `name` in `folder` is not used: a link, something of another kind, or what the system says.
pub(super) fn refused(folder: &Folder, name: &str, error: &io::Error) -> Failure {
    let path = folder.path().join(name);
    match folder.look(name) {
        Ok(Entry::Link) => linked(&path),
        Ok(Entry::File) if error.kind() == io::ErrorKind::NotADirectory => {
            in_the_way(format!("{} is a file, where a folder is needed", path.display()))
        }
        Ok(Entry::Folder) if error.kind() == io::ErrorKind::InvalidInput => {
            in_the_way(format!("{} is a folder, where a file is needed", path.display()))
        }
        Ok(Entry::Other) => in_the_way(format!("{} is neither a file nor a folder", path.display())),
        _ => Failure::io("open", &path, error),
    }
}

fn linked(path: &Path) -> Failure {
    Failure::new(
        Kind::Conflict,
        "link_in_the_way",
        format!("{} is a symbolic link, and aam follows none there", path.display()),
    )
    .hint("replace the link with a real file or folder; what is meant for all your projects is installed with --global")
}

fn in_the_way(message: String) -> Failure {
    Failure::new(Kind::Conflict, "files_in_the_way", message).hint("move it away")
}

/// A file that is larger than anything that should be there.
pub(super) fn too_large(path: &Path, most: u64) -> Failure {
    Failure::new(Kind::Usage, "invalid_file", format!("{} is larger than {most} bytes", path.display()))
}

/// A folder that was removed by somebody else while it was used.
pub(super) fn vanished(path: &Path) -> Failure {
    Failure::io("make", path, &io::ErrorKind::NotFound.into()).hint("something else changes these files; try again")
}
