//! The files of a package's folder.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use aam_registry_core::{
    archive::{PackContents, PackEntry},
    types::{Artifact, ArtifactType, Manifest},
};
use serde::Serialize;
use walkdir::WalkDir;

use super::{
    ignore::{Ignore, Reason},
    inside::{self, Unread},
};
use crate::{
    deploy,
    failure::{Detail, Failure, Result},
};

/// The manifest of a package.
const MANIFEST: &str = "aam.yaml";

/// What a folder gives to its archive.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) entries: Vec<PackEntry>,
    pub(super) left_out: Vec<LeftOut>,
}

/// A file or a whole folder that stays out.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LeftOut {
    pub(crate) path: String,
    pub(crate) reason: Reason,
}

/// What a package is to have that is not written yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft<'a> {
    /// The text of its `aam.yaml`.
    pub(super) manifest: &'a str,
    /// The text of its `.aamignore`, where it is to have a new one.
    pub(super) aamignore: Option<&'a str>,
}

/// Collects what goes into the archive of the package at `folder`, as it is or
/// as it would be with `draft`. A link to a file inside it goes in as that file.
pub(super) fn collect(folder: &Path, draft: Option<&Draft<'_>>) -> Result<Collected> {
    let root = fs::canonicalize(folder).map_err(|error| Failure::io("open the folder", folder, &error))?;
    let manifest = match draft {
        Some(draft) => Some(draft.manifest.as_bytes().to_vec()),
        // What is wrong with it is told where it is packed.
        None => inside::read(&root, MANIFEST, Manifest::MAX_SIZE as u64).ok(),
    };
    let named = manifest.as_deref().map(artifacts).unwrap_or_default();
    let mut ignore = Ignore::read(&root, named, draft.and_then(|draft| draft.aamignore))?;
    let mut collected = Collected { entries: Vec::new(), left_out: Vec::new() };
    if let Some(draft) = draft {
        let contents = PackContents::Bytes(draft.manifest.as_bytes().to_vec());
        collected.entries.push(PackEntry { path: MANIFEST.to_owned(), executable: false, contents });
    }
    let mut faults = Vec::new();
    let mut walk = WalkDir::new(&root).min_depth(1).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().and_then(|path| path.strip_prefix(&root).ok()).unwrap_or(Path::new("."));
                let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                faults.push(Detail::new(path.to_string_lossy(), format!("cannot be read: {why}")));
                continue;
            }
        };
        let path = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let is_folder = entry.file_type().is_dir();
        let shown = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        if let Some(reason) = ignore.leaves_out(path, is_folder) {
            let path = if is_folder { format!("{shown}/") } else { shown };
            collected.left_out.push(LeftOut { path, reason });
            if is_folder {
                walk.skip_current_dir();
            }
            continue;
        }
        if is_folder {
            if let Err(failure) = ignore.enter(entry.path()) {
                faults.push(Detail::new(shown, &*failure.message));
                walk.skip_current_dir();
            }
            continue;
        }
        if draft.is_some() && shown == MANIFEST {
            continue;
        }
        if path.to_str().is_none() {
            faults.push(Detail::new(shown, "has a name that is not UTF-8; rename it"));
            continue;
        }
        if entry.path_is_symlink() && leads_in_a_circle(entry.path()) {
            collected.left_out.push(LeftOut { path: shown, reason: Reason::Circle });
            continue;
        }
        match real_file(&root, &mut ignore, entry.path()) {
            Ok(real) => collected.entries.push(PackEntry {
                path: shown,
                executable: is_executable(&real),
                contents: PackContents::Path(real),
            }),
            Err(why) => faults.push(Detail::new(shown, format!("{why}, or leave it out with .aamignore"))),
        }
    }
    if faults.is_empty() {
        Ok(collected)
    } else {
        Err(Failure::invalid("Not everything can be packed").details(faults))
    }
}

/// The paths of the artifacts that the manifest names; none where it cannot be
/// read, which is told elsewhere.
fn artifacts(manifest: &[u8]) -> Vec<PathBuf> {
    let manifest = Manifest::parse(manifest).ok();
    let all = manifest.iter().flat_map(|manifest| manifest.artifacts.iter());
    let path = |(kind, artifact): (ArtifactType, &Artifact)| match kind {
        ArtifactType::Skill => PathBuf::from(deploy::skill_folder(&artifact.path).unwrap_or(&artifact.path)),
        _ => PathBuf::from(&*artifact.path),
    };
    all.map(path).collect()
}

/// Whether a link leads to itself, or to a folder that it lies in: nothing is lost without it.
pub(super) fn leads_in_a_circle(link: &Path) -> bool {
    match fs::canonicalize(link) {
        Ok(real) => link
            .parent()
            .and_then(|folder| fs::canonicalize(folder).ok())
            .is_some_and(|folder| folder.starts_with(real)),
        // The error for too many links has no kind of its own.
        Err(error) => !matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory
        ),
    }
}

/// The regular, readable file inside the package that `path` leads to, or what
/// is wrong and what to do about it.
fn real_file(root: &Path, ignore: &mut Ignore, path: &Path) -> Result<PathBuf, String> {
    let real = inside::locate(root, path).map_err(|unread| match unread {
        Unread::Refused(why) => why,
        Unread::Missing => "is no more there".to_owned(),
        Unread::Failed(error) => format!("cannot be read ({error}); make it readable"),
    })?;
    let target = real.strip_prefix(root).unwrap_or(&real);
    if real != path {
        match ignore.leaves_out_target(target) {
            Ok(None) => {}
            Ok(Some((left, reason))) => return Err(link_to_left_out(&left, reason)),
            Err(failure) => return Err(failure.message.into()),
        }
    }
    if real.is_dir() {
        return Err("is a link to a folder, which packages cannot hold; copy the folder".to_owned());
    }
    if !real.is_file() {
        return Err("is no regular file; remove it".to_owned());
    }
    File::open(&real).map_err(|error| format!("cannot be read ({error}); make it readable"))?;
    Ok(real)
}

/// What is wrong with a link into `left`, which stays out, and what to do about it.
pub(super) fn link_to_left_out(left: &Path, reason: Reason) -> String {
    let left = left.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    format!("is a link into {left}, which stays out ({}); remove the link", reason.as_str())
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
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *b"#!"
}
