//! A backup is restored.

use std::{
    collections::HashSet,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use aam_registry_core::{
    ports::ArchiveStore,
    types::{ArchiveKey, RegistryId},
};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    AT_ONCE, BackupError, LostArchive, Manifest, Place,
    archives::{self, fetch, listed},
    manifest::newest_whole,
    row_files::{BackedUpRows, RowProof},
};
use crate::{assemble, config::Settings};

/// How many keys of archives are listed at a time.
const PAGE: usize = 1000;

/// What to restore.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The name of the backup; the newest whole one if none is given.
    pub(crate) backup: Option<&'a str>,
    /// The database alone: the storage still has the archives.
    pub(crate) database_only: bool,
}

/// What was restored.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) manifest: Manifest,
    pub(crate) rows: u64,
    /// Archives that were written or found, each read back.
    pub(crate) archives: u64,
    pub(crate) bytes: u64,
    /// The names of the keys that were written.
    pub(crate) keys: Vec<String>,
}

/// Restores a backup into the empty registry of these settings. Calls `progress` for each archive.
///
/// # Errors
/// If the target is not empty, the backup is damaged or of a newer release, or either cannot be used. What was restored
/// by then is marked as half, and another restore begins anew.
pub(crate) async fn restore(
    settings: &Settings,
    place: &Place,
    wanted: Wanted<'_>,
    progress: impl Fn(),
) -> Result<Restored, BackupError> {
    let _lock = place.lock_for_reading()?;
    let manifest = newest_whole(place, wanted.backup).await?;
    require_known(&manifest)?;
    let staging = tempfile::tempdir().map_err(BackupError::place)?;
    for file in manifest.files() {
        fetch(place, &manifest.path(&file.file), file, staging.path()).await?;
    }
    let registry: RegistryId = manifest
        .registry
        .parse()
        .map_err(|error| BackupError::Damaged(format!("the manifest names no id of a registry: {error}")))?;
    let store = if wanted.database_only { None } else { Some(assemble::new_archive_store(settings)?) };

    assemble::require_empty(settings).await?;
    require_same_keys(settings, &manifest, staging.path())?;
    if let Some(store) = &store {
        require_free(store, registry, staging.path()).await?;
    }
    assemble::begin_restore(settings, &manifest.migrations).await?;
    let (mut count, mut bytes) = (0, 0);
    if let Some(store) = &store {
        store.set_owner(registry).await.map_err(|error| BackupError::storage(&error))?;
        (count, bytes) = copy_archives(place, store, staging.path(), &manifest.lost, progress).await?;
        prove_storage(store, count).await?;
    }
    // Before the database is complete: a server that starts then would make other keys.
    let keys = restore_keys(settings, &manifest, staging.path())?;
    let mut rows = BackedUpRows { folder: staging.path().to_owned(), tables: manifest.tables.clone() };
    let mut proof = RowProof::new(&manifest.tables);
    assemble::restore_rows(settings, &manifest.migrations, &mut rows, &mut proof).await?;
    let rows = manifest.tables.iter().map(|table| table.rows).sum();
    Ok(Restored { manifest, rows, archives: count, bytes, keys })
}

/// Requires that this release knows the schema.
fn require_known(manifest: &Manifest) -> Result<(), BackupError> {
    let known = assemble::known_migrations();
    match manifest.migrations.iter().find(|migration| !known.contains(*migration)) {
        None => Ok(()),
        Some(migration) => Err(BackupError::Refused(format!(
            "the backup was made by release {} and has a schema that this release, {}, does not know ({migration}): \
             restore it with release {} or a later one",
            manifest.release,
            env!("CARGO_PKG_VERSION"),
            manifest.release
        ))),
    }
}

/// Requires that the storage has no archive but those of this backup, which a restore left that was broken off.
async fn require_free(store: &Arc<dyn ArchiveStore>, registry: RegistryId, folder: &Path) -> Result<(), BackupError> {
    let failed = |error| BackupError::storage(&error);
    if let Some(owner) = store.owner().await.map_err(failed)?.filter(|owner| *owner != registry) {
        return Err(BackupError::Refused(format!(
            "the archive storage is that of another registry, {owner}: restore into an empty one"
        )));
    }
    let mut found = keys_in(store).await?;
    if found.is_empty() {
        return Ok(());
    }
    for archive in listed(folder)? {
        found.remove(&archive?.archive);
    }
    match found.iter().next() {
        None => Ok(()),
        Some(key) => Err(BackupError::Refused(format!(
            "the archive storage is not empty: it has {} archives that are not in the backup, such as {key}; restore \
             into an empty one, or give --database-only to keep its archives",
            found.len()
        ))),
    }
}

async fn keys_in(store: &Arc<dyn ArchiveStore>) -> Result<HashSet<ArchiveKey>, BackupError> {
    let mut keys = HashSet::new();
    let mut after: Option<ArchiveKey> = None;
    loop {
        let page = store.list(after.as_ref(), PAGE).await.map_err(|error| BackupError::storage(&error))?;
        let Some(last) = page.last() else { return Ok(keys) };
        after = Some(last.key.clone());
        keys.extend(page.into_iter().map(|stored| stored.key));
    }
}

async fn copy_archives(
    place: &Place,
    store: &Arc<dyn ArchiveStore>,
    folder: &Path,
    lost: &[LostArchive],
    progress: impl Fn(),
) -> Result<(u64, u64), BackupError> {
    let lost: HashSet<&str> = lost.iter().map(|lost| lost.archive.as_str()).collect();
    let archives = listed(folder)?.filter(|archive| match archive {
        Ok(archive) => !lost.contains(archive.archive.as_str()),
        Err(_) => true,
    });
    let mut copying = stream::iter(archives)
        .map(|archive| async {
            let archive = archive?;
            archives::copy_out(place, store, &archive).await?;
            Ok::<_, BackupError>(archive.size)
        })
        .buffer_unordered(AT_ONCE);
    let (mut count, mut bytes) = (0, 0);
    while let Some(size) = copying.try_next().await? {
        progress();
        count += 1;
        bytes += size;
    }
    Ok((count, bytes))
}

/// Requires that the storage lists as many archives as were restored.
async fn prove_storage(store: &Arc<dyn ArchiveStore>, count: u64) -> Result<(), BackupError> {
    let listed = keys_in(store).await?.len() as u64;
    if listed == count {
        return Ok(());
    }
    Err(BackupError::Storage(format!(
        "it lists {listed} archives after {count} were restored; does somebody else use it?"
    )))
}

/// Requires that the data folder has no other keys than the backup.
fn require_same_keys(settings: &Settings, manifest: &Manifest, folder: &Path) -> Result<(), BackupError> {
    for key in &manifest.keys {
        let Some(name) = key.file.strip_prefix("keys/") else { continue };
        match std::fs::read(settings.data_dir.join(name)) {
            Ok(ours) if std::fs::read(folder.join(&key.file)).is_ok_and(|theirs| theirs != ours) => {
                return Err(BackupError::Refused(format!(
                    "DATA_DIR holds another {name} than the backup: restore into a new data folder"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn restore_keys(settings: &Settings, manifest: &Manifest, folder: &Path) -> Result<Vec<String>, BackupError> {
    let mut restored = Vec::new();
    for key in &manifest.keys {
        let Some(name) = key.file.strip_prefix("keys/").filter(|name| super::KEYS.contains(name)) else { continue };
        let mut write = || {
            let to = settings.data_dir.join(name);
            if to.exists() {
                return Ok(());
            }
            std::fs::create_dir_all(&settings.data_dir)?;
            // Readable by its owner alone.
            let mut part = tempfile::Builder::new().prefix(".key-").tempfile_in(&settings.data_dir)?;
            part.write_all(&std::fs::read(folder.join(&key.file))?)?;
            part.as_file().sync_all()?;
            part.persist(&to).map_err(|error| error.error)?;
            restored.push(name.to_owned());
            Ok(())
        };
        write()
            .map_err(|error: io::Error| BackupError::Refused(format!("the key {name} cannot be written: {error}")))?;
    }
    Ok(restored)
}
