//! The files of a package's folder.

use std::{fs, path::Path};

use aam_registry_core::archive::{PackContents, PackEntry};
use walkdir::WalkDir;

use super::ignore::Ignore;
use crate::failure::{Detail, Failure, Result};

/// Collects what goes into the archive of the package at `folder`. A link to a
/// file inside it goes in as that file.
pub(super) fn collect(folder: &Path) -> Result<Vec<PackEntry>> {
    let ignore = Ignore::read(folder)?;
    let root = fs::canonicalize(folder).map_err(|error| Failure::io("open the folder", folder, &error))?;
    let mut entries = Vec::new();
    let mut faults = Vec::new();
    let walk = WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(|entry| {
        let path = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        entry.depth() == 0 || !ignore.leaves_out(path, entry.file_type().is_dir())
    });
    for entry in walk {
        let entry = entry.map_err(|error| Failure::invalid(format!("Cannot read the package: {error}")))?;
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let shown = path.to_string_lossy().into_owned();
        let Some(inner) = path.to_str() else {
            faults.push(Detail::new(shown, "its name is not UTF-8"));
            continue;
        };
        let real = fs::canonicalize(entry.path());
        match real {
            Ok(real) if real.starts_with(&root) && real.is_file() => entries.push(PackEntry {
                path: inner.replace(std::path::MAIN_SEPARATOR, "/"),
                executable: is_executable(&real),
                contents: PackContents::Path(real),
            }),
            _ => faults.push(Detail::new(shown, "is no file of this package; leave it out with .aamignore")),
        }
    }
    if faults.is_empty() { Ok(entries) } else { Err(Failure::invalid("Not everything can be packed").details(faults)) }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o100 != 0)
}

/// Where files have no such mode, a script says it with its first bytes.
#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; 2];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *b"#!"
}
