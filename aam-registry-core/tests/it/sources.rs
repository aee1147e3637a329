//! The source files of a crate.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Each source file below `root`, a path from this crate's folder, with its text.
pub(crate) fn sources(root: &Path) -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(root)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).expect("a file of the source");
                found.push((path, source));
            }
        }
    }
    found
}
