use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use aam_registry_core::{Error, Result, ports::StoredArchive, types::ArchiveKey};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use opendal::{Entry, EntryMode, ErrorKind, Operator};
use tokio::time;

use super::failure::storage_error;

/// How many entries a request asks for: the maximum of S3.
const PAGE: usize = 1000;

/// How long a listing may go on without an entry. Some stores return empty pages, and a store that
/// repeats its continuation token would do so for ever.
const LONGEST_SILENCE: Duration = Duration::from_mins(2);

/// The next entry of a listing.
async fn next(operator: &Operator, entries: &mut opendal::Lister) -> Result<Option<Entry>> {
    match time::timeout(LONGEST_SILENCE, entries.try_next()).await {
        Ok(entry) => entry.map_err(storage_error),
        Err(_) => Err(repeats_itself(operator)),
    }
}

fn repeats_itself(operator: &Operator) -> Error {
    let info = operator.info();
    let reason = format!(
        "the {} store `{}` lists the same keys again, or none for ever: it repeats its continuation token; ask whoever \
         runs it, or update it",
        info.scheme(),
        info.name()
    );
    Error::storage(reason, false)
}

/// Lists a store that returns its keys in order and can start after any key.
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
    let (mut listed, mut last) = (Vec::new(), String::new());
    while listed.len() < limit {
        let Some(entry) = next(operator, &mut entries).await? else { break };
        if entry.path() <= last.as_str() {
            return Err(repeats_itself(operator));
        }
        entry.path().clone_into(&mut last);
        let Ok(key) = entry.path().parse::<ArchiveKey>() else { continue };
        if after.is_none_or(|after| key > *after) {
            listed.extend(stored(operator, key, entry).await?);
        }
    }
    Ok(listed)
}

/// Lists any store. Stores in general do not list in order, so entries are sorted one folder at a time,
/// which limits the memory for sorting.
pub(super) async fn by_folder(
    operator: &Operator,
    after: Option<&ArchiveKey>,
    limit: usize,
) -> Result<Vec<StoredArchive>> {
    let mut listed = Vec::new();
    for folder in entries(operator, ArchiveKey::PREFIX).await? {
        // "archives/ab/" and everything in it sorts before a key such as "archives/cd/…".
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

/// The entries of one folder by path; folders end with a slash.
async fn entries(operator: &Operator, folder: &str) -> Result<Vec<Entry>> {
    let mut lister = match operator.lister(folder).await {
        Ok(lister) => lister,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(storage_error(error)),
    };
    let (mut entries, mut seen) = (Vec::new(), HashSet::new());
    loop {
        let entry = match time::timeout(LONGEST_SILENCE, lister.try_next()).await {
            Ok(Ok(Some(entry))) => entry,
            Ok(Ok(None)) => break,
            // Some services report only now that the folder does not exist.
            Ok(Err(error)) if error.kind() == ErrorKind::NotFound => break,
            Ok(Err(error)) => return Err(storage_error(error)),
            Err(_) => return Err(repeats_itself(operator)),
        };
        if !seen.insert(entry.path().to_owned()) {
            return Err(repeats_itself(operator));
        }
        entries.push(entry);
    }
    entries.retain(|entry| entry.path() != folder);
    entries.sort_unstable_by(|a, b| a.path().cmp(b.path()));
    Ok(entries)
}

/// The archive of a listing's entry; `None` if it was deleted meanwhile.
async fn stored(operator: &Operator, key: ArchiveKey, entry: Entry) -> Result<Option<StoredArchive>> {
    // Some services list only names.
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
