//! Backups are verified.

use std::collections::{HashMap, HashSet};

use aam_registry_core::types::Sha256Digest;
use futures_util::{StreamExt, stream};

use super::{
    AT_ONCE, BackupError, Manifest, Place,
    archives::{self, digest_of_chunks, fetch, listed},
    manifest::{FoundBackup, backups_in, newest_whole},
    row_files::measure,
};
use crate::assemble;

/// What was verified.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    /// The names of the backups.
    pub(crate) backups: Vec<String>,
    pub(crate) rows: u64,
    pub(crate) archives: u64,
    pub(crate) bytes: u64,
    /// What is damaged or missing.
    pub(crate) faults: Vec<String>,
    /// Backups that are not whole.
    pub(crate) broken_off: Vec<String>,
}

/// Reads every file of a backup, or of all, and every archive that they need. Calls `progress` for each archive.
///
/// # Errors
/// If the place cannot be read, or the backup of that name is none.
pub(crate) async fn verify(place: &Place, backup: Option<&str>, progress: impl Fn()) -> Result<Verified, BackupError> {
    let _lock = place.lock_for_reading()?;
    let mut verified = Verified::default();
    let mut whole = Vec::new();
    if backup.is_some() {
        whole.push(newest_whole(place, backup).await?);
    } else {
        for FoundBackup { name, manifest } in backups_in(place).await? {
            match manifest {
                Ok(Some(manifest)) => whole.push(manifest),
                Ok(None) => verified.broken_off.push(name),
                Err(reason) => verified.faults.push(format!("{name}: the manifest is damaged: {reason}")),
            }
        }
        if whole.is_empty() && verified.faults.is_empty() {
            verified.faults.push(format!("there is no whole backup in {place}"));
        }
    }
    let mut needed: HashMap<Sha256Digest, u64> = HashMap::new();
    for manifest in &whole {
        verify_files(place, manifest, &mut needed, &mut verified).await?;
        verified.backups.push(manifest.backup.clone());
    }
    verify_archives(place, needed, &mut verified, progress).await?;
    Ok(verified)
}

async fn verify_files(
    place: &Place,
    manifest: &Manifest,
    needed: &mut HashMap<Sha256Digest, u64>,
    verified: &mut Verified,
) -> Result<(), BackupError> {
    let staging = tempfile::tempdir().map_err(BackupError::place)?;
    for file in manifest.files() {
        verified.bytes += file.bytes;
        match fetch(place, &manifest.path(&file.file), file, staging.path()).await {
            Err(BackupError::Damaged(fault)) => verified.faults.push(fault),
            other => other?,
        }
    }
    for table in &manifest.tables {
        verified.rows += table.rows;
        if let Err(error) = measure(staging.path(), table) {
            verified.faults.push(format!("{}: {}", manifest.backup, assemble::cause(&error)));
        }
    }
    let lost: HashSet<&str> = manifest.lost.iter().map(|lost| lost.archive.as_str()).collect();
    let mut count = 0;
    let Ok(archives) = listed(staging.path()) else { return Ok(()) };
    for archive in archives {
        match archive {
            Ok(archive) => {
                count += 1;
                if !lost.contains(archive.archive.as_str()) {
                    needed.insert(archive.sha256, archive.size);
                }
            }
            Err(error) => {
                verified.faults.push(format!("{}: {error}", manifest.backup));
                return Ok(());
            }
        }
    }
    if count != manifest.archives.count {
        let expected = manifest.archives.count;
        verified.faults.push(format!("{}: it lists {count} archives instead of {expected}", manifest.backup));
    }
    Ok(())
}

async fn verify_archives(
    place: &Place,
    needed: HashMap<Sha256Digest, u64>,
    verified: &mut Verified,
    progress: impl Fn(),
) -> Result<(), BackupError> {
    let mut reading = stream::iter(needed)
        .map(|(sha256, size)| async move {
            let name = archives::name_of(sha256);
            let fault = match place.open(&name).await? {
                None => Some(format!("the file {name} is missing")),
                Some(chunks) => match digest_of_chunks(chunks).await {
                    Ok(digest) if digest == sha256 => None,
                    Ok(digest) => Some(format!("the file {name} has the SHA-256 {digest}")),
                    Err(error) => Some(format!("the file {name} cannot be read: {error}")),
                },
            };
            Ok::<_, BackupError>((size, fault))
        })
        .buffer_unordered(AT_ONCE);
    while let Some(read) = reading.next().await {
        let (size, fault) = read?;
        progress();
        verified.archives += 1;
        verified.bytes += size;
        verified.faults.extend(fault);
    }
    Ok(())
}
