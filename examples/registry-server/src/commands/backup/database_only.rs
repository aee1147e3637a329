//! `backup --database-only`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use aam_registry_backends::sqlite::{self, SqliteBackup, SqliteConfig};
use aam_registry_core::{
    Error,
    error::{BackendError, BackendKind},
};
use indicatif::HumanBytes;
use jiff::Timestamp;
use serde_json::json;

use super::super::{Answer, Failed, answer::warn, runtime};
use crate::{
    assemble::{self, unusable},
    cli::Backup,
    config::{DatabaseUrl, Settings},
};

/// How many names are tried.
const TRIES: usize = 32;

/// Copies the database into a folder.
pub(super) fn run(command: &Backup, to: &Path, settings: &Settings) -> Result<Answer, Failed> {
    let DatabaseUrl::Sqlite(path) = &settings.database_url else {
        return Err(Failed(format!(
            "--database-only copies SQLite; leave it out, or use PostgreSQL's own pg_dump: \
             pg_dump --format=custom --file={} \"$DATABASE_URL\"",
            to.join("registry.dump").display()
        )));
    };
    if to.to_str().is_some_and(|to| to.contains("://")) {
        return Err(Failed(
            "--database-only writes a file into a folder; leave it out to back up to a bucket".to_owned(),
        ));
    }
    runtime()?.block_on(assemble::require_registry(settings))?;
    create_folder(to)?;
    remove_leftovers(to);
    let backup = to_free_name(&assemble::sqlite_config(path, settings), to, Timestamp::now);
    let (file, backup) = backup.map_err(|error| match &error {
        Error::Backend(backend) if backend.kind == BackendKind::Storage => {
            Failed(format!("the backup cannot be written: {}", assemble::cause(&error)))
        }
        _ => Failed::from(unusable(settings, &error)),
    })?;
    let warning = (backup.versions == 0).then(|| {
        format!(
            "{} holds no version of any package: see that it is the registry you mean (DATA_DIR, DATABASE_URL)",
            settings.database_url
        )
    });
    if let Some(warning) = &warning {
        warn(warning);
    }
    let text = format!("{}: {} with {} versions", file.display(), HumanBytes(backup.bytes), backup.versions);
    let json = json!({ "file": file, "bytes": backup.bytes, "versions": backup.versions, "warning": warning });
    Ok(Answer::new(command.json, text, &json))
}

/// Copies the database to a file in `folder` whose name is the time, to the microsecond. Backups that begin within the
/// same microsecond would have the same name, and a part that is about to be created may be locked for a moment by
/// [`remove_leftovers`] of another backup: the time of another try is another name.
fn to_free_name(
    config: &SqliteConfig,
    folder: &Path,
    now: impl Fn() -> Timestamp,
) -> Result<(PathBuf, SqliteBackup), Error> {
    let mut tries = 1;
    loop {
        let file = folder.join(format!("registry-{}.db", now().strftime("%Y%m%dT%H%M%S%.6fZ")));
        match sqlite::back_up(config, &file) {
            Err(Error::Backend(error)) if is_taken(&error) && tries < TRIES => tries += 1,
            outcome => return outcome.map(|backup| (file, backup)),
        }
    }
}

/// Whether another backup has the name.
fn is_taken(error: &BackendError) -> bool {
    let kind = error.source.downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(kind, Some(io::ErrorKind::AlreadyExists | io::ErrorKind::ResourceBusy))
}

/// Removes the partial files of backups that were killed. A backup in progress has its file locked; one that begins
/// locks it a moment after it made it, empty.
fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_part = name.to_str().is_some_and(|name| name.starts_with("registry-") && name.ends_with(".db.part"));
        let begins = || {
            let data = entry.metadata();
            data.is_ok_and(|data| data.len() == 0 && data.modified().is_ok_and(|at| at.elapsed().is_ok_and(is_short)))
        };
        let is_locked = || fs::File::open(entry.path()).is_ok_and(|part| part.try_lock().is_err());
        if is_part && !begins() && !is_locked() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_short(time: Duration) -> bool {
    time < Duration::from_mins(1)
}

/// Creates the folder of the backups if it does not exist. Only its owner may read it, because backups
/// contain e-mail addresses and password hashes.
fn create_folder(folder: &Path) -> Result<(), Failed> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| Failed(format!("the folder {} cannot be made: {error}", folder.display())))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn backups_of_the_same_microsecond_get_different_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = SqliteConfig::new(folder.path().join("registry.db"));
        sqlite::migrate(&config).expect("a registry");
        // The clock moves on only at every second look.
        let looks = Cell::new(0);
        let now = || {
            let look = looks.replace(looks.get() + 1);
            Timestamp::UNIX_EPOCH + SignedDuration::from_micros(look / 2)
        };
        let files: Vec<_> = (0..2).map(|_| to_free_name(&config, folder.path(), now).expect("a backup").0).collect();
        let name = |micros: u32| folder.path().join(format!("registry-19700101T000000.{micros:06}Z.db"));
        assert_eq!(files, [name(0), name(1)]);

        // Another backup, which has not ended, has the name of the next microsecond.
        let begun = fs::File::create(folder.path().join("registry-19700101T000000.000002Z.db.part")).expect("created");
        begun.try_lock().expect("ours");
        looks.set(4);
        assert_eq!(to_free_name(&config, folder.path(), now).expect("a backup").0, name(3));
    }

    #[test]
    fn a_folder_that_takes_no_file_is_not_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = SqliteConfig::new(folder.path().join("registry.db"));
        sqlite::migrate(&config).expect("a registry");
        let looks = Cell::new(0);
        let now = || {
            looks.set(looks.get() + 1);
            Timestamp::UNIX_EPOCH
        };
        to_free_name(&config, &folder.path().join("no-such-folder"), now).expect_err("no folder");
        assert_eq!(looks.get(), 1);
    }
}
