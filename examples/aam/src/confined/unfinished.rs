//! Files that take their place when they are whole.

use std::{fs, io, path::Path};

use super::{Folder, Mode, UNFINISHED, new_file};
use crate::failure::{Failure, Kind, Result};

/// A file that is being written beside its place; removed with this value unless it is finished.
#[derive(Debug)]
pub(crate) struct Unfinished {
    folder: Folder,
    temporary: String,
    name: String,
    file: fs::File,
}

impl Folder {
    /// Begins to write the file `name`, which stays as it is until the new one is finished.
    pub(crate) fn begin(self, name: &str, mode: Mode) -> Result<Unfinished> {
        // A device or a pipe would be replaced by a file, not written to; so would a link to one, such as /dev/stdout.
        let path = self.path.join(name);
        if fs::metadata(&path).is_ok_and(|data| !data.is_file()) {
            return Err(no_file(&path));
        }
        let temporary = format!("{UNFINISHED}{:016x}", rand::random::<u64>());
        let file = self.dir.open_with(&temporary, new_file(mode).read(true));
        let file = file.map_err(|error| Failure::io("write", &path, &error))?.into_std();
        Ok(Unfinished { folder: self, temporary, name: name.to_owned(), file })
    }
}

fn no_file(path: &Path) -> Failure {
    let message = format!("{} is there and is no regular file, so nothing is written to it", path.display());
    Failure::new(Kind::Conflict, "files_in_the_way", message).hint("name a file; send it on from there, as with `cat`")
}

impl Unfinished {
    /// What is written to.
    pub(crate) fn file(&mut self) -> &mut fs::File {
        &mut self.file
    }

    /// What became of writing to it.
    pub(crate) fn failed(&self, error: &io::Error) -> Failure {
        Failure::io("write", &self.folder.path.join(&self.name), error)
    }

    /// Puts the file in its place; a link there is replaced, and what it names stays as it is.
    pub(crate) fn finish(self) -> Result<()> {
        let Self { folder, temporary, name, file } = &self;
        let finished = file.sync_all().and_then(|()| folder.dir.rename(temporary, &folder.dir, name));
        finished.map_err(|error| self.failed(&error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // A finished file has no such name any more.
        let _ = self.folder.dir.remove_file(&self.temporary);
    }
}
