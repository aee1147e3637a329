//! Archives on their way into a place and out of it.

use std::{
    collections::HashMap,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use aam_registry_core::{
    ports::{ArchiveContent, ArchiveStore},
    types::{ArchiveKey, Sha256Digest},
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    ARCHIVES, AT_ONCE, BackupError, LostArchive, Place,
    place::chunks_of,
    row_files::{ARCHIVE_LIST, lines_of},
};

/// An archive that a backup needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BackedUpArchive {
    /// Its key in the storage.
    pub(super) archive: ArchiveKey,
    pub(super) sha256: Sha256Digest,
    /// Its size in bytes.
    pub(super) size: u64,
}

#[derive(Serialize, Deserialize)]
struct Line {
    archive: String,
    sha256: String,
    size: u64,
}

impl BackedUpArchive {
    /// The line of the list of archives.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let line = Line { archive: self.archive.to_string(), sha256: self.sha256.to_string(), size: self.size };
        let mut line = serde_json::to_vec(&line).unwrap_or_default();
        line.push(b'\n');
        line
    }

    fn of_line(line: &str) -> Result<Self, String> {
        let Line { archive, sha256, size } = serde_json::from_str(line).map_err(|error| error.to_string())?;
        Ok(Self {
            archive: archive.parse().map_err(|error| format!("{error}"))?,
            sha256: sha256.parse().map_err(|error| format!("{error}"))?,
            size,
        })
    }
}

/// The archives of a list that was fetched into a folder.
pub(super) fn listed(folder: &Path) -> Result<impl Iterator<Item = Result<BackedUpArchive, BackupError>>, BackupError> {
    let damaged =
        |error: String| BackupError::Damaged(format!("the file {ARCHIVE_LIST} of the backup is damaged: {error}"));
    let lines = lines_of(&folder.join(ARCHIVE_LIST)).map_err(|error| damaged(error.to_string()))?;
    Ok(lines.map(move |line| {
        let line = line.map_err(|error| damaged(error.to_string()))?;
        BackedUpArchive::of_line(&line).map_err(damaged)
    }))
}

/// The name of an archive in a place.
pub(super) fn name_of(sha256: Sha256Digest) -> String {
    let sha256 = sha256.to_string();
    format!("{ARCHIVES}{}/{sha256}.aam", &sha256[..2])
}

/// The archives of a place, by digest, and their sizes.
pub(super) async fn stored(place: &Place) -> Result<HashMap<Sha256Digest, u64>, BackupError> {
    let digest = |name: String| name.rsplit('/').next()?.strip_suffix(".aam")?.parse().ok();
    let listed = place.list(ARCHIVES).await?;
    Ok(listed.into_iter().filter_map(|(name, size)| Some((digest(name)?, size))).collect())
}

/// What was copied into a place.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) archives: u64,
    pub(super) bytes: u64,
    pub(super) lost: Vec<LostArchive>,
}

/// Copies those archives of a list into a place that it does not have, and notes them in `stored`. Calls `done` for
/// each.
pub(super) async fn copy_into(
    place: &Place,
    store: &Arc<dyn ArchiveStore>,
    folder: &Path,
    stored: &mut HashMap<Sha256Digest, u64>,
    done: impl Fn(),
) -> Result<Copied, BackupError> {
    let missing = listed(folder)?.filter_map(|archive| match archive {
        Ok(archive) if stored.get(&archive.sha256) == Some(&archive.size) => None,
        other => Some(other),
    });
    // Collected, because several versions may have the same archive.
    let mut wanted: HashMap<Sha256Digest, BackedUpArchive> = HashMap::new();
    for archive in missing {
        let archive = archive?;
        wanted.insert(archive.sha256, archive);
    }
    let mut copying = stream::iter(wanted.into_values())
        .map(|archive| async move { copy_one(place, store, &archive).await.map(|lost| (archive, lost)) })
        .buffer_unordered(AT_ONCE);
    let mut copied = Copied::default();
    while let Some((archive, lost)) = copying.try_next().await? {
        done();
        if let Some(reason) = lost {
            copied.lost.push(LostArchive { archive: archive.archive.to_string(), reason });
        } else {
            copied.archives += 1;
            copied.bytes += archive.size;
            stored.insert(archive.sha256, archive.size);
        }
    }
    copied.lost.sort_by(|one, other| one.archive.cmp(&other.archive));
    Ok(copied)
}

/// Copies an archive; gives the reason if the storage does not have it.
async fn copy_one(
    place: &Place,
    store: &Arc<dyn ArchiveStore>,
    archive: &BackedUpArchive,
) -> Result<Option<String>, BackupError> {
    let failed = |error| BackupError::storage(&error);
    let Some(content) = store.open(&archive.archive, None).await.map_err(failed)? else {
        return Ok(Some("the storage does not have it".to_owned()));
    };
    let mut writer = place.create(&name_of(archive.sha256)).await?;
    let mut chunks = chunks(content);
    let mut digest = Sha256::new();
    while let Some(chunk) =
        chunks.try_next().await.map_err(|error| BackupError::Storage(format!("{}: {error}", archive.archive)))?
    {
        digest.update(&chunk);
        writer.write(chunk).await?;
    }
    let digest = Sha256Digest::from(<[u8; 32]>::from(digest.finalize()));
    if digest != archive.sha256 {
        return Ok(Some(format!(
            "the storage has other bytes, with the SHA-256 {digest} instead of {}",
            archive.sha256
        )));
    }
    writer.finish().await?;
    Ok(None)
}

/// The bytes of an archive.
pub(super) fn chunks(content: ArchiveContent) -> BoxStream<'static, io::Result<Bytes>> {
    match content {
        ArchiveContent::Bytes(bytes) => stream::once(async { Ok(bytes) }).boxed(),
        ArchiveContent::File { file, .. } => chunks_of(file),
        ArchiveContent::Stream { stream, .. } => stream,
    }
}

/// Copies an archive from a place into a storage, unless it has it, and reads it back: it must be the published one.
pub(super) async fn copy_out(
    place: &Place,
    store: &Arc<dyn ArchiveStore>,
    archive: &BackedUpArchive,
) -> Result<(), BackupError> {
    let failed = |error| BackupError::storage(&error);
    if digest_in(store, &archive.archive).await? == Some(archive.sha256) {
        return Ok(());
    }
    // What an earlier restore left is not whole.
    store.delete(&archive.archive).await.map_err(failed)?;
    let name = name_of(archive.sha256);
    let damaged = |what: &str| BackupError::Damaged(format!("the file {name} of the backups {what}"));
    let mut chunks = place.open(&name).await?.ok_or_else(|| damaged("is missing"))?;
    let mut writer = store.create(&archive.archive).await.map_err(failed)?;
    while let Some(chunk) = chunks.try_next().await.map_err(|error| damaged(&format!("cannot be read: {error}")))? {
        writer.write(chunk).await.map_err(failed)?;
    }
    writer.finish().await.map_err(failed)?;
    if digest_in(store, &archive.archive).await? == Some(archive.sha256) {
        return Ok(());
    }
    store.delete(&archive.archive).await.map_err(failed)?;
    Err(damaged("does not have the published bytes, or the storage keeps other ones than it was given"))
}

/// The digest of an archive in a storage; `None` if it does not have it.
async fn digest_in(store: &Arc<dyn ArchiveStore>, key: &ArchiveKey) -> Result<Option<Sha256Digest>, BackupError> {
    let Some(content) = store.open(key, None).await.map_err(|error| BackupError::storage(&error))? else {
        return Ok(None);
    };
    digest_of_chunks(chunks(content)).await.map(Some).map_err(|error| BackupError::Storage(format!("{key}: {error}")))
}

/// The digest of all chunks.
pub(super) async fn digest_of_chunks(mut chunks: BoxStream<'static, io::Result<Bytes>>) -> io::Result<Sha256Digest> {
    let mut digest = Sha256::new();
    while let Some(chunk) = chunks.try_next().await? {
        digest.update(&chunk);
    }
    Ok(Sha256Digest::from(<[u8; 32]>::from(digest.finalize())))
}

/// Copies a file of a place into a folder; it must have the size and the digest that are expected.
pub(super) async fn fetch(
    place: &Place,
    name: &str,
    expected: &super::manifest::FileEntry,
    folder: &Path,
) -> Result<(), BackupError> {
    let damaged = |what: String| BackupError::Damaged(format!("the file {name} {what}"));
    let mut chunks = place.open(name).await?.ok_or_else(|| damaged("is missing".to_owned()))?;
    let to = folder.join(&expected.file);
    if let Some(above) = to.parent() {
        std::fs::create_dir_all(above).map_err(BackupError::place)?;
    }
    let mut file = std::fs::File::create(&to).map_err(BackupError::place)?;
    while let Some(chunk) = chunks.try_next().await.map_err(|error| damaged(format!("cannot be read: {error}")))? {
        io::Write::write_all(&mut file, &chunk).map_err(BackupError::place)?;
    }
    drop(file);
    let file = std::fs::File::open(&to).map_err(BackupError::place)?;
    let (bytes, digest) = super::row_files::digest_of(file.take(u64::MAX)).map_err(BackupError::place)?;
    if bytes != expected.bytes {
        return Err(damaged(format!("has {bytes} bytes instead of {}", expected.bytes)));
    }
    if digest != expected.digest()? {
        return Err(damaged(format!("has the SHA-256 {digest} instead of {}", expected.sha256)));
    }
    Ok(())
}
