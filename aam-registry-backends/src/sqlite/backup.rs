//! A copy of a database that others may be writing to.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use aam_registry_core::{
    Error, Result,
    error::{DiskError, DiskTrouble, Outcome},
};
use rusqlite::{Connection, OpenFlags};

use super::{SqliteConfig, connection::open_reader, failure::unavailable, schema};

/// How the name of a copy ends that is not whole yet.
const PART: &str = ".part";

/// A copy that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteBackup {
    /// Its size in bytes.
    pub bytes: u64,
    /// How many versions of packages it knows.
    pub versions: u64,
}

/// Copies the database to the file `to`, as it is at one instant, while
/// others read and write it. Blocks.
///
/// The copy is written beside its place, under the same name with `.part`
/// behind it, checked and made durable before it gets its name: a file `to`
/// is always whole, however this ends. What an earlier call left is
/// overwritten.
///
/// # Errors
/// A backend error of kind database where the database cannot be read, is
/// damaged, or its schema is not that of this release; of kind storage where
/// `to` cannot be written. Where `to` exists or is being written by another call,
/// the source of that error is an [`io::Error`] of the kind
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists) or
/// [`ResourceBusy`](io::ErrorKind::ResourceBusy): another name will do.
pub fn back_up(config: &SqliteConfig, to: &Path) -> Result<SqliteBackup> {
    if !config.path().exists() {
        let reason = format!("there is no database at {}", config.path().display());
        return Err(Error::database(reason, false, Outcome::NotApplied));
    }
    let source = open_reader(config)?;
    schema::require_current(&source)?;
    let mut part = OsString::from(to);
    part.push(PART);
    let part = PathBuf::from(part);
    let lock = create(to, &part).map_err(|error| written(&error, to))?;
    let copied = copy(&source, &part);
    let backup = copied.and_then(|versions| {
        let publish = || {
            lock.sync_all()?;
            let bytes = lock.metadata()?.len();
            fs::rename(&part, to)?;
            sync_folder(to)?;
            Ok(bytes)
        };
        let bytes = publish().map_err(|error: io::Error| written(&error, to))?;
        Ok(SqliteBackup { bytes, versions })
    });
    if backup.is_err() {
        // It says itself that it is not whole; all the same nobody shall have to remove it.
        let _ = fs::remove_file(&part);
    }
    backup
}

/// Makes an empty part that only its owner can read, and keeps others from it.
fn create(to: &Path, part: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(part)?;
    file.try_lock()
        .map_err(|_| io::Error::new(io::ErrorKind::ResourceBusy, "another backup is being written there"))?;
    // Only now: a backup that ended meanwhile gave its part, which may be this file, the name `to`.
    if to.exists() {
        if file.metadata()?.len() == 0 {
            let _ = fs::remove_file(part);
        }
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file of that name exists"));
    }
    file.set_len(0)?;
    Ok(file)
}

/// Fills the part, and looks whether it is whole; gives how many versions it has.
fn copy(source: &Connection, part: &Path) -> Result<u64> {
    let target = part.to_str().ok_or_else(|| {
        let reason = format!("the path {} is not UTF-8; choose another folder", part.display());
        Error::storage(reason, false)
    })?;
    source.execute("VACUUM INTO ?1", [target]).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => {
            Error::storage(DiskError::new(DiskTrouble::Full, format!("{target}: the disk is full")), false)
        }
        _ => unavailable(error, Outcome::NotApplied),
    })?;
    let check = || {
        let copy = Connection::open_with_flags(part, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let verdict: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        let versions: i64 = copy.query_row("SELECT count(*) FROM versions", [], |row| row.get(0))?;
        Ok((verdict, versions))
    };
    let (verdict, versions) = check().map_err(|error| unavailable(error, Outcome::NotApplied))?;
    if verdict != "ok" {
        return Err(Error::database(format!("the copy is damaged: {verdict}"), false, Outcome::NotApplied));
    }
    Ok(u64::try_from(versions).unwrap_or_default())
}

/// That the copy cannot be written.
fn written(error: &io::Error, to: &Path) -> Error {
    let reason = format!("{}: {error}", to.display());
    match DiskTrouble::of(error) {
        Some(trouble) => Error::storage(DiskError::new(trouble, reason), false),
        None => Error::storage(io::Error::new(error.kind(), reason), false),
    }
}

fn sync_folder(of: &Path) -> io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
