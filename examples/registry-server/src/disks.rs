//! The disks this process writes to, and how much they still take.

use std::path::{Path, PathBuf};

use metrics::gauge;

use crate::config::{DatabaseUrl, Settings, StorageBackend};

/// A folder by what is kept in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    part: &'static str,
    folder: PathBuf,
}

/// Those of these settings: the data folder or that of the database, the
/// archives where they are files here, and those kept of an object store.
pub(crate) fn of(settings: &Settings) -> Vec<Disk> {
    let mut disks = Vec::new();
    let mut add = |part, folder: &Path| disks.push(Disk { part, folder: folder.to_owned() });
    match &settings.database_url {
        DatabaseUrl::Sqlite(path) => match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => add("database", folder),
            None => add("database", Path::new(".")),
        },
        DatabaseUrl::Postgres(_) => {}
    }
    match settings.storage_backend {
        StorageBackend::Local => add("archives", &settings.storage_path),
        StorageBackend::Memory => {}
        _ if settings.archive_cache_disk.0 > 0 && settings.cache_enabled.is_on() => {
            add("cache", &settings.archive_cache_path);
        }
        _ => {}
    }
    disks
}

/// Records how much each disk has and how much of it this process may still
/// take; nothing of one that cannot be asked.
pub(crate) fn record(disks: &[Disk]) {
    for Disk { part, folder } in disks {
        if let Some((free, size)) = space(folder) {
            gauge!("aam_disk_free_bytes", "part" => *part).set(free);
            gauge!("aam_disk_size_bytes", "part" => *part).set(size);
        }
    }
}

/// The bytes of a disk that are free for this process, and all of them.
#[cfg(unix)]
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn space(folder: &Path) -> Option<(f64, f64)> {
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(((told.f_bavail * told.f_frsize) as f64, (told.f_blocks * told.f_frsize) as f64))
}

#[cfg(not(unix))]
fn space(_: &Path) -> Option<(f64, f64)> {
    None
}
