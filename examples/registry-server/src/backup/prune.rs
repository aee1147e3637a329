//! Backups that are old enough are deleted.

use std::{collections::HashSet, time::Duration};

use aam_registry_core::types::Sha256Digest;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

use super::{
    BackupError, Manifest, Place,
    archives::{self, fetch, listed},
    manifest::{FoundBackup, MANIFEST, backups_in, path_in},
};

/// How long a backup may take in a bucket, where nothing else tells whether it is still being written.
const LONGEST_BACKUP: SignedDuration = SignedDuration::from_hours(24);

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pruned {
    /// Backups, also those that were broken off.
    pub(crate) backups: u64,
    /// Archives that no other backup needs.
    pub(crate) archives: u64,
    /// Whether archives were left alone because another backup is being written, or the manifest of one is damaged.
    pub(crate) archives_left: bool,
}

/// Deletes backups that are older than `keep`, but never `newest`, and archives that none of the others needs.
pub(super) async fn prune(place: &Place, keep: Duration, newest: &Manifest) -> Result<Pruned, BackupError> {
    let now = Timestamp::now();
    let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
    let age = |backup: &FoundBackup| time_of(&backup.name).map(|at| now.duration_since(at));
    let mut pruned = Pruned::default();
    let mut kept = Vec::new();
    for backup in backups_in(place).await? {
        let is_old = age(&backup).is_some_and(|age| age > keep);
        match backup.manifest {
            Ok(Some(manifest)) if !is_old || backup.name >= newest.backup => kept.push(manifest),
            Ok(Some(_)) => {
                delete(place, &backup.name).await?;
                pruned.backups += 1;
            }
            // A folder is locked, so that no other backup is written there.
            Ok(None) if matches!(place, Place::Folder(_)) || age_is_over(&backup.name, now) => {
                delete(place, &backup.name).await?;
                pruned.backups += 1;
            }
            // Nobody knows which archives they need.
            Ok(None) | Err(_) => pruned.archives_left = true,
        }
    }
    if pruned.archives_left {
        return Ok(pruned);
    }
    let needed = needed_by(place, &kept).await?;
    for (digest, _) in archives::stored(place).await? {
        if !needed.contains(&digest) {
            place.delete(&archives::name_of(digest)).await?;
            pruned.archives += 1;
        }
    }
    Ok(pruned)
}

fn age_is_over(name: &str, now: Timestamp) -> bool {
    time_of(name).is_some_and(|at| now.duration_since(at) > LONGEST_BACKUP)
}

/// When a backup of that name began.
fn time_of(name: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%dT%H%M%S%.fZ", name).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Deletes a backup, its manifest first.
async fn delete(place: &Place, backup: &str) -> Result<(), BackupError> {
    place.delete(&path_in(backup, MANIFEST)).await?;
    for (name, _) in place.list(&path_in(backup, "")).await? {
        place.delete(&name).await?;
    }
    Ok(())
}

/// The archives that these backups need.
pub(super) async fn needed_by(place: &Place, backups: &[Manifest]) -> Result<HashSet<Sha256Digest>, BackupError> {
    let mut needed = HashSet::new();
    for manifest in backups {
        let staging = place.staging()?;
        let list = &manifest.archives.list;
        fetch(place, &manifest.path(&list.file), list, staging.path()).await?;
        for archive in listed(staging.path())? {
            needed.insert(archive?.sha256);
        }
    }
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_backup_is_its_time() {
        let at: Timestamp = "2026-11-30T17:43:11.000123Z".parse().expect("a time");
        assert_eq!(time_of(&at.strftime("%Y%m%dT%H%M%S%.6fZ").to_string()), Some(at));
        assert_eq!(time_of("notes"), None);
    }
}
