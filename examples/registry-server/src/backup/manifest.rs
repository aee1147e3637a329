//! What a backup holds.

use std::str::FromStr;

use aam_registry_core::types::Sha256Digest;
use serde::{Deserialize, Serialize};

use super::{BACKUPS, BackupError, Place};

/// The format that this release writes, and the only one that it reads.
const FORMAT: u32 = 1;

/// What a backup holds. It is written when everything else is in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// The name of the backup: when it began.
    pub(crate) backup: String,
    /// When it was complete.
    pub(crate) completed_at: String,
    /// The id of the registry.
    pub(crate) registry: String,
    /// The release that wrote it.
    pub(crate) release: String,
    /// The database that it was read from.
    pub(crate) database: String,
    /// The migrations that made its schema, without their numbers.
    pub(crate) migrations: Vec<String>,
    pub(crate) packages: u64,
    pub(crate) versions: u64,
    pub(crate) tables: Vec<TableEntry>,
    pub(crate) archives: ArchivesEntry,
    /// Archives that the storage lacked.
    pub(crate) lost: Vec<LostArchive>,
    pub(crate) keys: Vec<FileEntry>,
    /// The SHA-256 of this document with an empty text here.
    sha256: String,
}

/// A file of a backup.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    /// Its name in the folder of the backup.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// The rows of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TableEntry {
    pub(crate) table: String,
    pub(crate) rows: u64,
    /// The SHA-256 of the rows, whichever database they are in.
    pub(crate) rows_sha256: String,
    #[serde(flatten)]
    pub(crate) file: FileEntry,
}

/// The archives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ArchivesEntry {
    /// How many the versions refer to.
    pub(crate) count: u64,
    /// Their size together.
    pub(crate) total_bytes: u64,
    #[serde(flatten)]
    pub(crate) list: FileEntry,
}

/// An archive that the backup lacks, because the storage lacked it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LostArchive {
    pub(crate) archive: String,
    pub(crate) reason: String,
}

/// A backup in a place.
#[derive(Clone, Debug)]
pub(crate) struct FoundBackup {
    pub(crate) name: String,
    /// What it holds; `None` if it is not whole, an error if its manifest is damaged.
    pub(crate) manifest: Result<Option<Manifest>, String>,
}

/// What a manifest is made of.
pub(super) struct Contents {
    pub(super) backup: String,
    pub(super) database: &'static str,
    pub(super) registry: String,
    pub(super) migrations: Vec<String>,
    pub(super) packages: u64,
    pub(super) versions: u64,
    pub(super) tables: Vec<TableEntry>,
    pub(super) archives: ArchivesEntry,
    pub(super) lost: Vec<LostArchive>,
    pub(super) keys: Vec<FileEntry>,
}

impl Manifest {
    pub(super) fn new(contents: Contents) -> Self {
        let Contents { backup, database, registry, migrations, packages, versions, tables, archives, lost, keys } =
            contents;
        let completed_at = jiff::Timestamp::now().to_string();
        let release = env!("CARGO_PKG_VERSION").to_owned();
        let database = database.to_owned();
        let manifest = Self {
            format: FORMAT,
            backup,
            completed_at,
            registry,
            release,
            database,
            migrations,
            packages,
            versions,
            tables,
            archives,
            lost,
            keys,
            sha256: String::new(),
        };
        Self { sha256: manifest.digest(), ..manifest }
    }

    fn digest(&self) -> String {
        let unsigned = Self { sha256: String::new(), ..self.clone() };
        Sha256Digest::of(unsigned.to_json().as_bytes()).to_string()
    }

    /// The document.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Reads a document.
    fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if format != FORMAT {
            return Err(format!("it has the format {format} of a newer release, and this one reads {FORMAT}"));
        }
        let manifest: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if manifest.digest() != manifest.sha256 {
            return Err("it does not have the SHA-256 that stands in it".to_owned());
        }
        Ok(manifest)
    }

    /// All files of the backup but the manifest.
    pub(super) fn files(&self) -> impl Iterator<Item = &FileEntry> {
        self.tables.iter().map(|table| &table.file).chain([&self.archives.list]).chain(&self.keys)
    }

    /// The name of one of its files in the place.
    pub(super) fn path(&self, file: &str) -> String {
        path_in(&self.backup, file)
    }

    /// The size of its rows, compressed, and of its archives.
    pub(crate) fn bytes(&self) -> u64 {
        self.files().map(|file| file.bytes).sum::<u64>() + self.archives.total_bytes
    }
}

impl FileEntry {
    /// The digest as it stands in the manifest.
    pub(super) fn digest(&self) -> Result<Sha256Digest, BackupError> {
        Sha256Digest::from_str(&self.sha256)
            .map_err(|error| BackupError::Damaged(format!("the manifest names no digest for {}: {error}", self.file)))
    }
}

/// The name of a file of a backup in its place.
pub(super) fn path_in(backup: &str, file: &str) -> String {
    format!("{BACKUPS}{backup}/{file}")
}

/// The name of the manifest in the folder of a backup.
pub(super) const MANIFEST: &str = "manifest.json";

/// The backups in a place, oldest first.
pub(crate) async fn backups_in(place: &Place) -> Result<Vec<FoundBackup>, BackupError> {
    let mut names: Vec<_> = place
        .list(BACKUPS)
        .await?
        .into_iter()
        .filter_map(|(name, _)| Some(name.strip_prefix(BACKUPS)?.split_once('/')?.0.to_owned()))
        .collect();
    names.sort();
    names.dedup();
    let mut found = Vec::new();
    for name in names {
        let manifest = match place.read(&path_in(&name, MANIFEST)).await? {
            None => Ok(None),
            Some(bytes) => String::from_utf8(bytes)
                .map_err(|_| "it is not UTF-8".to_owned())
                .and_then(|text| Manifest::parse(&text))
                .and_then(|manifest| {
                    if manifest.backup == name {
                        Ok(manifest)
                    } else {
                        Err(format!("it is that of {}", manifest.backup))
                    }
                })
                .map(Some),
        };
        found.push(FoundBackup { name, manifest });
    }
    Ok(found)
}

/// The backup of that name, or the newest whole one.
///
/// # Errors
/// If there is none, it is not whole, or its manifest is damaged.
pub(crate) async fn newest_whole(place: &Place, name: Option<&str>) -> Result<Manifest, BackupError> {
    let mut found = backups_in(place).await?;
    let damaged = |text| Err(BackupError::Damaged(text));
    if let Some(name) = name {
        return match found.into_iter().find(|backup| backup.name == name).map(|backup| backup.manifest) {
            None => damaged(format!("there is no backup {name} in {place}; `aam-registry backup ls` lists them")),
            Some(Ok(None)) => {
                damaged(format!("the backup {name} is not whole: it was broken off, or is being written"))
            }
            Some(Ok(Some(manifest))) => Ok(manifest),
            Some(Err(reason)) => damaged(format!("the manifest of the backup {name} is damaged: {reason}")),
        };
    }
    while let Some(backup) = found.pop() {
        match backup.manifest {
            Ok(Some(manifest)) => return Ok(manifest),
            Ok(None) => {}
            // An older one would be taken for the newest.
            Err(reason) => {
                return damaged(format!(
                    "the manifest of the newest backup, {}, is damaged: {reason}; name another one with --backup",
                    backup.name
                ));
            }
        }
    }
    damaged(format!("there is no whole backup in {place}"))
}
