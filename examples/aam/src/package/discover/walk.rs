//! The files of a folder that may go into a package.

use std::{
    fs,
    path::{MAIN_SEPARATOR, Path, PathBuf},
};

use walkdir::WalkDir;

use super::{Seen, places};
use crate::{
    failure::{Detail, Failure, Result},
    package::{
        ignore::{Ignore, Reason},
        source::{leads_in_a_circle, link_to_left_out},
    },
};

/// How many folders deep is looked.
const DEPTH: usize = 24;
/// How many files are looked at.
const FILES: usize = 200_000;

/// Lists the files of `folder` that its ignore files and the list of what is
/// commonly private leave in. No link that leads out of it is followed.
pub(super) fn walk(folder: &Path) -> Result<Seen> {
    let root = fs::canonicalize(folder).map_err(|error| Failure::io("open the folder", folder, &error))?;
    // As if everything were named: a `*` in .aamignore leaves out what no manifest names yet.
    let mut ignore = Ignore::read(&root, vec![PathBuf::new()], None)?;
    let mut seen = Seen { root: root.clone(), files: Vec::new(), not_taken: Vec::new() };
    let mut walk = WalkDir::new(&root).min_depth(1).max_depth(DEPTH).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        // What cannot be read holds nothing that could be packed.
        let Ok(entry) = entry else { continue };
        let path = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let Some(shown) = path.to_str().map(|path| path.replace(MAIN_SEPARATOR, "/")) else { continue };
        let is_folder = entry.file_type().is_dir();
        // MCP servers are listed as not taken, with why, though their file is packed no more than other private ones.
        let is_servers = |reason| reason == Reason::Usual && entry.file_name() == ".mcp.json";
        if let Some(reason) = ignore.leaves_out(path, is_folder).filter(|reason| !is_servers(*reason)) {
            let told = matches!(reason, Reason::Aamignore | Reason::Gitignore);
            if told && places::is_place(&shown) && holds_files(entry.path()) {
                let why = format!("{} leaves it out; to take it, change that file", reason.as_str());
                seen.not_taken.push(Detail::new(shown, why));
            }
            if is_folder {
                walk.skip_current_dir();
            }
            continue;
        }
        if is_folder {
            if let Err(failure) = ignore.enter(entry.path()) {
                seen.not_taken.push(Detail::new(shown, &*failure.message));
                walk.skip_current_dir();
            }
            continue;
        }
        if entry.file_type().is_symlink() {
            if leads_in_a_circle(entry.path()) {
                seen.not_taken.push(Detail::new(shown, "is a link that leads in a circle; it is skipped"));
                continue;
            }
            let real = fs::canonicalize(entry.path()).ok();
            let target = real.as_deref().and_then(|real| real.strip_prefix(&root).ok());
            if target.is_none() && places::is_place(&shown) {
                let why = "is a link that leads out of this folder, or nowhere; copy what it names here";
                seen.not_taken.push(Detail::new(&*shown, why));
            }
            // What a link to a folder inside names is seen where it lies.
            let Some(target) = target.filter(|_| real.as_deref().is_some_and(Path::is_file)) else { continue };
            let why = match ignore.leaves_out_target(target) {
                Ok(None) => None,
                Ok(Some((left, reason))) => Some(link_to_left_out(&left, reason)),
                Err(failure) => Some(failure.message.into()),
            };
            if let Some(why) = why {
                seen.not_taken.push(Detail::new(shown, why));
                continue;
            }
        } else if !entry.file_type().is_file() {
            // Whoever reads a pipe waits for its writer.
            if places::is_place(&shown) {
                seen.not_taken.push(Detail::new(shown, "is no regular file; remove it"));
            }
            continue;
        }
        if seen.files.len() == FILES {
            return Err(Failure::usage(format!(
                "{} has more than {FILES} files; name a folder in it, or leave folders out with .aamignore",
                folder.display()
            )));
        }
        seen.files.push(shown);
    }
    seen.files.sort_unstable();
    Ok(seen)
}

fn holds_files(path: &Path) -> bool {
    path.is_file() || WalkDir::new(path).max_depth(DEPTH).into_iter().flatten().any(|entry| entry.file_type().is_file())
}
