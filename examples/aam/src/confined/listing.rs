//! Everything that lies in a folder.

use std::io;

use cap_std::fs::Metadata;

use super::{Folder, UNFINISHED, refused};
use crate::failure::{Failure, Result};

/// One file of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// With `/` between segments.
    pub(crate) path: String,
    pub(crate) executable: bool,
}

impl Folder {
    /// Every file below the folder, by path. A link or a device in it is refused.
    pub(crate) fn files(&self) -> Result<Vec<Listed>> {
        let mut files = Vec::new();
        self.add_files("", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn add_files(&self, prefix: &str, files: &mut Vec<Listed>) -> Result<()> {
        for (name, data) in self.entries()? {
            let path = format!("{prefix}{name}");
            if data.is_dir() {
                if let Some(folder) = self.folder(&name)? {
                    folder.add_files(&format!("{path}/"), files)?;
                }
            } else if data.is_file() {
                files.push(Listed { path, executable: is_executable(&data) });
            } else {
                return Err(refused(self, &name, &io::ErrorKind::InvalidInput.into()));
            }
        }
        Ok(())
    }

    fn entries(&self) -> Result<Vec<(String, Metadata)>> {
        let failed = |error: io::Error| Failure::io("read the folder", self.path(), &error);
        let mut entries = Vec::new();
        for entry in self.dir.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().into_string().map_err(|name| {
                Failure::invalid(format!("{} holds {}, whose name is no text", self.path().display(), name.display()))
            })?;
            let data = self.dir.symlink_metadata(&name).map_err(failed)?;
            entries.push((name, data));
        }
        Ok(entries)
    }

    /// The names of the files in the folder at `path`, not below it.
    pub(crate) fn names(&self, path: &str) -> Result<Vec<String>> {
        let Some(folder) = self.folder(path)? else { return Ok(Vec::new()) };
        Ok(folder.entries()?.into_iter().filter(|(_, data)| data.is_file()).map(|(name, _)| name).collect())
    }

    /// Removes the files that a killed command was writing in the folder at `path`.
    pub(crate) fn sweep(&self, path: &str) {
        // What cannot be looked at or removed now is tried again next time.
        let Ok(Some(folder)) = self.folder(path) else { return };
        for (name, data) in folder.entries().into_iter().flatten() {
            if data.is_file() && name.starts_with(UNFINISHED) {
                let _ = folder.dir.remove_file(&name);
            }
        }
    }
}

#[cfg(unix)]
fn is_executable(data: &Metadata) -> bool {
    use cap_std::fs::PermissionsExt;
    data.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_data: &Metadata) -> bool {
    false
}
