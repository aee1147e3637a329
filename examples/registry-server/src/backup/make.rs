//! A backup is made.

use std::{collections::HashSet, sync::Arc, time::Duration};

use aam_registry_core::ports::ArchiveStore;
use jiff::Timestamp;

use super::{
    BackupError, KEYS, LostArchive, Manifest, Place,
    archives::{self, Copied},
    manifest::{Contents, FileEntry, MANIFEST, path_in},
    prune::{Pruned, prune},
    row_files::{ARCHIVE_LIST, RowFiles, WrittenRows, digest_of},
};
use crate::{assemble, config::Settings};

/// How often the database is read anew because archives were deleted meanwhile.
const TRIES: usize = 4;

/// What a backup is to hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The key files of the data folder, too.
    pub(crate) keys: bool,
    /// Older backups are deleted.
    pub(crate) keep: Option<Duration>,
}

/// A backup that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) manifest: Manifest,
    /// How many archives were copied, because no earlier backup had.
    pub(crate) copied: u64,
    /// Their bytes.
    pub(crate) copied_bytes: u64,
    pub(crate) pruned: Option<Pruned>,
}

/// Backs up the registry of these settings into a place. Calls `progress` with the number of archives that were copied.
///
/// # Errors
/// If the registry cannot be read or the place cannot be written; the place then holds no new backup.
pub(crate) async fn make(
    settings: &Settings,
    place: &Place,
    wanted: Wanted,
    progress: impl Fn(),
) -> Result<Made, BackupError> {
    let store = assemble::archive_store(settings)?;
    let _lock = place.lock_for_backup()?;
    let backup = Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ").to_string();
    // Others see that a backup is being written, and delete no archive that it may rely on.
    place
        .put(&path_in(&backup, "begun"), b"this backup is being written, or was broken off if there is no manifest\n")
        .await?;
    let made = fill(settings, place, &store, &backup, wanted, progress).await;
    if made.is_err() {
        // It would never be taken for a whole one; all the same nobody shall have to remove it.
        for (name, _) in place.list(&path_in(&backup, "")).await.unwrap_or_default() {
            let _ = place.delete(&name).await;
        }
    }
    made
}

async fn fill(
    settings: &Settings,
    place: &Place,
    store: &Arc<dyn ArchiveStore>,
    backup: &str,
    wanted: Wanted,
    progress: impl Fn(),
) -> Result<Made, BackupError> {
    let staging = place.staging()?;
    let mut stored = archives::stored(place).await?;
    let (mut copied, mut copied_bytes) = (0, 0);
    let attempt = async |attempt: usize| {
        let folder = staging.path().join(attempt.to_string());
        std::fs::create_dir(&folder).map_err(BackupError::place)?;
        let mut files = RowFiles::create(&folder).map_err(BackupError::place)?;
        let migrations = assemble::read_rows(settings, &mut files).await?;
        let written = files.finish().map_err(BackupError::place)?;
        let Copied { archives, bytes, lost } =
            archives::copy_into(place, store, &folder, &mut stored, &progress).await?;
        copied += archives;
        copied_bytes += bytes;
        Ok(((folder, migrations, written), lost))
    };
    let ((folder, migrations, written), lost) = until_nothing_more_is_lost(attempt).await?;
    for table in &written.tables {
        place.put_file(&path_in(backup, &table.file.file), &folder.join(&table.file.file)).await?;
    }
    // The list is needed once more.
    let list_folder = staging.path().join("list");
    std::fs::create_dir(&list_folder)
        .and_then(|()| std::fs::copy(folder.join(ARCHIVE_LIST), list_folder.join(ARCHIVE_LIST)))
        .map_err(BackupError::place)?;
    place.put_file(&path_in(backup, ARCHIVE_LIST), &folder.join(ARCHIVE_LIST)).await?;
    let keys = if wanted.keys { copy_keys(settings, place, backup).await? } else { Vec::new() };
    if matches!(place, Place::Bucket { .. }) {
        // Another backup may have deleted what this one relied on: a bucket cannot be locked.
        require_all(place, &list_folder, &lost).await?;
    }
    let manifest = manifest_of(settings, backup, migrations, written, lost, keys);
    place.put(&manifest.path(MANIFEST), manifest.to_json().as_bytes()).await?;
    let pruned = match wanted.keep {
        Some(keep) => Some(prune(place, keep, &manifest).await?),
        None => None,
    };
    Ok(Made { manifest, copied, copied_bytes, pruned })
}

/// Reads the database and copies the archives until none is missing, or only those that were missing before: a version
/// that was removed after the database was read may have lost its archive before that was copied. Read anew, the
/// database does not refer to it any more; what is missing even then, the storage lacks.
async fn until_nothing_more_is_lost<T>(
    mut attempt: impl AsyncFnMut(usize) -> Result<(T, Vec<LostArchive>), BackupError>,
) -> Result<(T, Vec<LostArchive>), BackupError> {
    let mut known: HashSet<String> = HashSet::new();
    let mut number = 1;
    loop {
        let (read, lost) = attempt(number).await?;
        if number == TRIES || lost.iter().all(|lost| known.contains(&lost.archive)) {
            return Ok((read, lost));
        }
        known = lost.into_iter().map(|lost| lost.archive).collect();
        number += 1;
    }
}

fn manifest_of(
    settings: &Settings,
    backup: &str,
    migrations: Vec<String>,
    written: WrittenRows,
    lost: Vec<LostArchive>,
    keys: Vec<FileEntry>,
) -> Manifest {
    let rows_of = |name: &str| written.tables.iter().find(|table| table.table == name).map_or(0, |table| table.rows);
    Manifest::new(Contents {
        backup: backup.to_owned(),
        database: if settings.database_url.is_shared() { "postgresql" } else { "sqlite" },
        registry: written.registry,
        migrations,
        packages: rows_of("packages"),
        versions: rows_of("versions"),
        tables: written.tables,
        archives: written.archives,
        lost,
        keys,
    })
}

async fn copy_keys(settings: &Settings, place: &Place, backup: &str) -> Result<Vec<FileEntry>, BackupError> {
    let mut keys = Vec::new();
    for name in KEYS {
        let bytes = match std::fs::read(settings.data_dir.join(name)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(BackupError::Refused(format!("the key {name} cannot be read: {error}"))),
        };
        let file = format!("keys/{name}");
        place.put(&path_in(backup, &file), &bytes).await?;
        let (length, digest) = digest_of(bytes.as_slice()).map_err(BackupError::place)?;
        keys.push(FileEntry { file, bytes: length, sha256: digest.to_string() });
    }
    Ok(keys)
}

async fn require_all(place: &Place, folder: &std::path::Path, lost: &[LostArchive]) -> Result<(), BackupError> {
    let stored = archives::stored(place).await?;
    for archive in archives::listed(folder)? {
        let archive = archive?;
        let is_lost = || lost.iter().any(|lost| lost.archive == archive.archive.as_str());
        if stored.get(&archive.sha256) != Some(&archive.size) && !is_lost() {
            let name = archives::name_of(archive.sha256);
            return Err(BackupError::Place(format!("{name} was deleted meanwhile; back up again")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of backups whose attempts miss these archives: the number of the attempt, and what it lost.
    async fn left(attempts: &[&[&str]]) -> (usize, Vec<String>) {
        let lost = |attempt: usize| {
            attempts[attempt - 1]
                .iter()
                .map(|archive| LostArchive { archive: (*archive).to_owned(), reason: String::new() })
                .collect()
        };
        let (number, lost) =
            until_nothing_more_is_lost(async |attempt| Ok((attempt, lost(attempt)))).await.expect("read");
        (number, lost.into_iter().map(|lost| lost.archive).collect())
    }

    #[tokio::test]
    async fn the_database_is_read_again_while_archives_are_deleted() {
        assert_eq!(left(&[&[]]).await, (1, vec![]));
        assert_eq!(left(&[&["a"], &[]]).await, (2, vec![]), "its version was removed meanwhile");
        assert_eq!(left(&[&["a"], &["a"]]).await, (2, vec!["a".to_owned()]), "the storage lacks it");
        assert_eq!(left(&[&["a"], &["b"], &[]]).await, (3, vec![]));
        assert_eq!(
            left(&[&["a"], &["b"], &["c"], &["d"], &[]]).await,
            (4, vec!["d".to_owned()]),
            "at some time it ends"
        );
    }
}
