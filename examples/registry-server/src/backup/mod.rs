//! Backups of a whole registry, and what is restored from them.
//!
//! A backup place, a folder or the prefix of a bucket, holds any number of backups:
//!
//! ```text
//! archives/<2 hex>/<sha256>.aam     every archive once, whichever backups need it
//! backups/<time>/tables/<table>.jsonl.gz
//! backups/<time>/archives.jsonl.gz  which archives the backup needs, and their keys
//! backups/<time>/keys/<name>        with --with-keys
//! backups/<time>/manifest.json      written last: a backup without it is not whole
//! ```

mod archives;
mod line;
mod make;
mod manifest;
mod place;
mod prune;
mod restore;
mod row_files;
mod verify;

pub(crate) use make::{Made, Wanted, make};
pub(crate) use manifest::{FoundBackup, LostArchive, Manifest, backups_in};
pub(crate) use place::Place;
pub(crate) use restore::{Restored, Wanted as WantedRestore, restore};
pub(crate) use verify::{Verified, verify};

/// The folder of the archives in a place.
const ARCHIVES: &str = "archives/";
/// The folder of the backups in a place.
const BACKUPS: &str = "backups/";
/// The key files of a data folder.
const KEYS: [&str; 2] = ["jwt-secret", "secrets-key"];
/// How many archives are copied at a time.
const AT_ONCE: usize = 8;

/// Why a backup cannot be made, verified or restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// The place of the backups cannot be used.
    #[error("the place of the backups cannot be used: {0}")]
    Place(String),
    /// A backup is damaged or not whole.
    #[error("{0}")]
    Damaged(String),
    /// Nothing may be restored there, or from that.
    #[error("{0}")]
    Refused(String),
    /// The database or the storage fails.
    #[error(transparent)]
    Assemble(#[from] crate::assemble::AssembleError),
    /// The storage of the archives fails.
    #[error("the archive storage cannot be used: {0}")]
    Storage(String),
}

impl BackupError {
    fn place(error: impl std::fmt::Display) -> Self {
        Self::Place(error.to_string())
    }

    fn storage(error: &aam_registry_core::Error) -> Self {
        Self::Storage(crate::assemble::cause(error))
    }
}
