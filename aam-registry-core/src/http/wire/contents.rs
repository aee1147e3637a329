use schemars::JsonSchema;
use serde::Serialize;

use serde_json::Value;

use crate::{
    archive::{FileDiff, ManifestChange, PackageDiff},
    types::{ArchiveFile, DayDownloads, PackageName, Version},
};

/// The files of a version's archive.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Files")]
pub(crate) struct FilesAnswer {
    /// The package's full name.
    package: String,
    version: String,
    /// By path.
    files: Vec<FileRow>,
}

/// One file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "File")]
struct FileRow {
    /// Path from the root of the archive.
    path: String,
    /// In bytes.
    size: u64,
    /// SHA-256 in lower-case hex.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    sha256: String,
    /// Whether its owner may execute it.
    executable: bool,
}

impl FilesAnswer {
    pub(crate) fn new(package: &PackageName, version: &Version, files: Vec<ArchiveFile>) -> Self {
        let files = files.into_iter().map(|file| FileRow {
            path: file.path,
            size: file.size,
            sha256: file.sha256.to_string(),
            executable: file.executable,
        });
        Self { package: package.to_string(), version: version.to_string(), files: files.collect() }
    }
}

/// Downloads by day.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Downloads")]
pub(crate) struct DownloadsAnswer {
    /// The package's full name.
    package: String,
    /// Downloads in the whole period.
    total: u64,
    /// Oldest first; days without downloads are left out.
    days: Vec<DayRow>,
}

/// The downloads of one UTC day.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DayDownloads")]
struct DayRow {
    #[schemars(extend("format" = "date"))]
    date: String,
    downloads: u64,
}

impl DownloadsAnswer {
    pub(crate) fn new(package: &PackageName, days: &DayDownloads) -> Self {
        Self {
            package: package.to_string(),
            total: days.values().sum(),
            days: days
                .iter()
                .map(|(date, downloads)| DayRow { date: date.to_string(), downloads: *downloads })
                .collect(),
        }
    }
}

/// The differences between two versions.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Diff")]
pub(crate) struct DiffAnswer<'a> {
    /// The package's full name.
    package: String,
    from: String,
    to: String,
    /// Keys of the manifest whose values differ, by key.
    manifest: Vec<ManifestRow<'a>>,
    /// Whether there are more such keys than are listed.
    manifest_truncated: bool,
    /// Files that differ, by path.
    files: Vec<FileDiffRow<'a>>,
    /// Whether there are more such files than are listed.
    files_truncated: bool,
}

/// One key of the manifest whose value differs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ManifestChange")]
struct ManifestRow<'a> {
    /// The path of keys, joined by dots.
    key: &'a str,
    /// `null` if the version before does not have the key.
    before: &'a Option<Value>,
    /// `null` if the version after does not have the key.
    after: &'a Option<Value>,
    /// Whether the key or a value is cut; a value that is cut is given as the beginning of its text.
    truncated: bool,
}

/// One file that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FileDiff")]
struct FileDiffRow<'a> {
    path: &'a str,
    /// `added`, `removed` or `modified`.
    status: &'static str,
    /// Whether either side is not text.
    binary: bool,
    /// A unified diff; `null` for what is binary or too large to compare.
    diff: Option<&'a str>,
    /// Whether the diff was cut, or left out for its size.
    truncated: bool,
}

impl<'a> DiffAnswer<'a> {
    pub(crate) fn new(package: &PackageName, from: &Version, to: &Version, diff: &'a PackageDiff) -> Self {
        let changed = |change: &'a ManifestChange| ManifestRow {
            key: &change.key,
            before: &change.before,
            after: &change.after,
            truncated: change.truncated,
        };
        let differing = |file: &'a FileDiff| FileDiffRow {
            path: &file.path,
            status: file.status.as_str(),
            binary: file.binary,
            diff: file.diff.as_deref(),
            truncated: file.truncated,
        };
        Self {
            package: package.to_string(),
            from: from.to_string(),
            to: to.to_string(),
            manifest: diff.manifest.iter().map(changed).collect(),
            manifest_truncated: diff.manifest_truncated,
            files: diff.files.iter().map(differing).collect(),
            files_truncated: diff.files_truncated,
        }
    }
}
