//! The disks that this process writes to, and their free space.

use std::path::{Path, PathBuf};

use metrics::gauge;

use crate::config::{DatabaseUrl, Settings, StorageBackend};

/// A folder, and what is stored in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    part: &'static str,
    folder: PathBuf,
}

/// The folders of these settings: the data folder or that of the database, the folder of archives if
/// they are local, and the folder of the archive cache.
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

/// Records the size of each disk and the space that this process may still use; skips a disk that
/// cannot be queried.
pub(crate) fn record(disks: &[Disk]) {
    for Disk { part, folder } in disks {
        if let Some((free, size)) = space(folder) {
            gauge!("aam_disk_free_bytes", "part" => *part).set(free);
            gauge!("aam_disk_size_bytes", "part" => *part).set(size);
        }
    }
}

/// The bytes on a disk that are free for this process, and its size.
#[cfg(unix)]
#[expect(clippy::cast_precision_loss, reason = "Prometheus values are 64-bit floats")]
fn space(folder: &Path) -> Option<(f64, f64)> {
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(((told.f_bavail * told.f_frsize) as f64, (told.f_blocks * told.f_frsize) as f64))
}

#[cfg(not(unix))]
fn space(_: &Path) -> Option<(f64, f64)> {
    None
}
