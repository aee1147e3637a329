//! What differs between two archives.

mod manifest;
mod text;
mod texts;

use std::{cmp::Ordering, io::Read};

use serde_json::Value;

use self::{
    text::{Writer, mode_lines},
    texts::{Body, Texts},
};
use super::{
    judge::{JudgedArchive, judge_into},
    limits::ArchiveLimits,
};
use crate::{error::Result, types::ArchiveFile};

pub use text::{MAX_DIFF, MAX_DIFFS};
pub use texts::MAX_DIFFED_FILE;

/// The most manifest keys that a comparison lists.
pub const MAX_MANIFEST_CHANGES: usize = 1000;
/// The most bytes of all listed keys and values together.
pub const MAX_MANIFEST_DIFF: usize = 256 * 1024;
/// The most bytes of one value of the manifest; a larger value is replaced by the beginning of its
/// text.
pub const MAX_MANIFEST_VALUE: usize = 8 * 1024;
/// The most files that a comparison lists.
pub const MAX_FILE_DIFFS: usize = 5000;
/// The most bytes of the paths of all listed files together.
const MAX_PATHS: usize = 1024 * 1024;

/// What differs between two archives.
#[derive(Clone, Debug, PartialEq)]
pub struct PackageDiff {
    /// Manifest keys whose values differ, by key.
    pub manifest: Vec<ManifestChange>,
    /// Whether more keys differ than are listed.
    pub manifest_truncated: bool,
    /// Files that differ, by path.
    pub files: Vec<FileDiff>,
    /// Whether more files differ than are listed.
    pub files_truncated: bool,
}

/// One manifest key whose value differs.
#[derive(Clone, Debug, PartialEq)]
pub struct ManifestChange {
    /// The path of keys, joined by dots. Lists are compared whole.
    pub key: String,
    /// The value before; `None` if the key did not exist.
    pub before: Option<Value>,
    /// The value after; `None` if the key no longer exists.
    pub after: Option<Value>,
    /// Whether the key or a value is cut. A value that is cut is given as the beginning of its text.
    pub truncated: bool,
}

/// How a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileStatus {
    /// It is new.
    Added,
    /// It was removed.
    Removed,
    /// Its contents or its executable bit changed.
    Modified,
}

impl FileStatus {
    /// The status as text: `added`, `removed`, `modified`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Modified => "modified",
        }
    }
}

/// One file that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// Its path.
    pub path: String,
    /// How it changed.
    pub status: FileStatus,
    /// Whether either side is binary: it is not UTF-8, or has a NUL among its first bytes.
    pub binary: bool,
    /// A unified diff of at most [`MAX_DIFF`] bytes; `None` if the file is binary or was too large to
    /// compare.
    pub diff: Option<String>,
    /// Whether `diff` was cut, or left out for its size.
    pub truncated: bool,
}

/// Compares two complete `.aam` archives.
///
/// Lists at most [`MAX_MANIFEST_CHANGES`] keys with [`MAX_MANIFEST_DIFF`] bytes, and [`MAX_FILE_DIFFS`]
/// files. Texts of up to [`MAX_DIFFED_FILE`] bytes are compared line by line; only their contents are
/// kept in memory, up to 16 MiB per archive. A diff has at most [`MAX_DIFF`] bytes, and all of them
/// together [`MAX_DIFFS`]. Comparing takes at most about two seconds: when the time runs short, diffs
/// become coarser and are then left out. Blocks.
///
/// # Errors
/// As for [`judge`](super::judge).
pub fn diff(mut before: impl Read, mut after: impl Read, limits: &ArchiveLimits) -> Result<PackageDiff> {
    let (mut old, mut new) = (Texts::default(), Texts::default());
    let before = judge_into(&mut before, limits, &mut |_| Ok(()), &mut old)?;
    let after = judge_into(&mut after, limits, &mut |_| Ok(()), &mut new)?;
    let (manifest, manifest_truncated) = manifest::changes(&before.manifest.document, &after.manifest.document);
    let (files, files_truncated) = file_diffs(&before, &old, &after, &new);
    Ok(PackageDiff { manifest, manifest_truncated, files, files_truncated })
}

/// The files that differ, and whether there are more than are listed.
fn file_diffs(before: &JudgedArchive, old: &Texts, after: &JudgedArchive, new: &Texts) -> (Vec<FileDiff>, bool) {
    let (mut removed, mut added) = (before.files.iter().peekable(), after.files.iter().peekable());
    let mut writer = Writer::new();
    let mut diffs = Vec::new();
    let mut paths = 0;
    loop {
        let order = match (removed.peek(), added.peek()) {
            (None, None) => return (diffs, false),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => before.path.cmp(&after.path),
        };
        let before = if order.is_le() { removed.next() } else { None };
        let after = if order.is_ge() { added.next() } else { None };
        let Some(differing) = file_diff(before.map(|file| (file, old)), after.map(|file| (file, new)), &mut writer)
        else {
            continue;
        };
        paths += differing.path.len();
        if diffs.len() == MAX_FILE_DIFFS || paths > MAX_PATHS {
            return (diffs, true);
        }
        diffs.push(differing);
    }
}

fn file_diff(
    before: Option<(&ArchiveFile, &Texts)>,
    after: Option<(&ArchiveFile, &Texts)>,
    writer: &mut Writer,
) -> Option<FileDiff> {
    let (path, status, mode) = match (before, after) {
        (None, None) => return None,
        (Some((file, _)), None) => (&file.path, FileStatus::Removed, String::new()),
        (None, Some((file, _))) => (&file.path, FileStatus::Added, String::new()),
        (Some((a, _)), Some((b, _))) => {
            if (a.sha256, a.executable) == (b.sha256, b.executable) {
                return None;
            }
            (&b.path, FileStatus::Modified, mode_lines(a.executable, b.executable))
        }
    };
    let bodies = [before, after].map(|side| side.map(|(file, texts)| texts.body(&file.sha256)));
    let binary = bodies.iter().flatten().any(|body| matches!(body, Body::Binary));
    let [old, new] = bodies.map(|body| match body {
        None => Some(None),
        Some(Body::Text(text)) => Some(Some(text.as_str())),
        Some(Body::Binary | Body::Large) => None,
    });
    let (diff, truncated) = match (old, new) {
        (Some(old), Some(new)) => writer.diff(path, &mode, old, new),
        _ if !mode.is_empty() => (Some(mode), !binary),
        _ => (None, !binary),
    };
    Some(FileDiff { path: path.clone(), status, binary, diff, truncated })
}
