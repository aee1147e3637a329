use std::time::SystemTime;

use aam_registry_core::{Result, ports::StoredArchive, types::ArchiveKey};
#[cfg(feature = "remote")]
use futures_util::TryStreamExt;
use jiff::Timestamp;
use opendal::{Entry, EntryMode, ErrorKind, Operator};

use super::failure::storage_error;

/// The most entries one request asks for, as S3 allows.
#[cfg(feature = "remote")]
const PAGE: usize = 1000;

/// Lists a service that gives its keys in order from behind any of them.
#[cfg(feature = "remote")]
pub(super) async fn in_order(
    operator: &Operator,
    after: Option<&ArchiveKey>,
    limit: usize,
) -> Result<Vec<StoredArchive>> {
    let mut asked = operator.lister_with(ArchiveKey::PREFIX).recursive(true).limit(limit.clamp(1, PAGE));
    if let Some(after) = after {
        asked = asked.start_after(after.as_str());
    }
    let mut entries = asked.await.map_err(storage_error)?;
    let mut listed = Vec::new();
    while listed.len() < limit {
        let Some(entry) = entries.try_next().await.map_err(storage_error)? else { break };
        let Ok(key) = entry.path().parse::<ArchiveKey>() else { continue };
        if after.is_none_or(|after| key > *after) {
            listed.extend(stored(operator, key, entry).await?);
        }
    }
    Ok(listed)
}

/// Lists any service: none lists in order for certain, and one folder at a
/// time bounds what has to be sorted.
pub(super) async fn by_folder(
    operator: &Operator,
    after: Option<&ArchiveKey>,
    limit: usize,
) -> Result<Vec<StoredArchive>> {
    let mut listed = Vec::new();
    for folder in entries(operator, ArchiveKey::PREFIX).await? {
        // "archives/ab/" and all in it comes before a key such as "archives/cd/…".
        let passed =
            after.is_some_and(|after| folder.path() < after.as_str() && !after.as_str().starts_with(folder.path()));
        if passed || !folder.path().ends_with('/') {
            continue;
        }
        for entry in entries(operator, folder.path()).await? {
            let Ok(key) = entry.path().parse::<ArchiveKey>() else { continue };
            if after.is_some_and(|after| key <= *after) {
                continue;
            }
            if listed.len() == limit {
                return Ok(listed);
            }
            listed.extend(stored(operator, key, entry).await?);
        }
    }
    Ok(listed)
}

/// The entries of one folder by path, folders with a slash at the end.
async fn entries(operator: &Operator, folder: &str) -> Result<Vec<Entry>> {
    let mut entries = match operator.list(folder).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(storage_error(error)),
    };
    entries.retain(|entry| entry.path() != folder);
    entries.sort_unstable_by(|a, b| a.path().cmp(b.path()));
    Ok(entries)
}

/// What a listing says of an archive; `None` where it was deleted meanwhile.
async fn stored(operator: &Operator, key: ArchiveKey, entry: Entry) -> Result<Option<StoredArchive>> {
    // Some services list names alone.
    let metadata = if entry.metadata().mode() == EntryMode::FILE {
        entry.metadata().clone()
    } else {
        match operator.stat(key.as_str()).await {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(storage_error(error)),
        }
    };
    let modified_at = metadata.last_modified().and_then(|time| Timestamp::try_from(SystemTime::from(time)).ok());
    Ok(Some(StoredArchive { key, size: metadata.content_length(), modified_at }))
}
