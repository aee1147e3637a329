//! `backup`.

use std::{fs, path::Path, time::Duration};

use aam_registry_backends::sqlite;
use indicatif::HumanBytes;
use jiff::Timestamp;
use serde_json::json;

use super::{Answer, Failed, answer::warn, configuration, runtime};
use crate::{
    assemble::{self, unusable},
    cli::Backup,
    config::{DatabaseUrl, Surroundings},
};

/// Copies the database into a folder.
pub(super) fn run(command: &Backup, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    if !command.database_only {
        return Err(Failed(
            "this release backs up the database alone: give --database-only, and after that copy the archives \
             (STORAGE_PATH, or the bucket) and the keys in DATA_DIR by other means; docs/backup.md tells how"
                .to_owned(),
        ));
    }
    let DatabaseUrl::Sqlite(path) = &settings.database_url else {
        return Err(Failed(format!(
            "this release backs up SQLite; PostgreSQL is backed up by its own pg_dump: \
             pg_dump --format=custom --file={} \"$DATABASE_URL\"",
            command.to.join("registry.dump").display()
        )));
    };
    runtime()?.block_on(assemble::require_registry(&settings))?;
    create_folder(&command.to)?;
    remove_leftovers(&command.to);
    // To the microsecond: two backups may begin within one second.
    let file = command.to.join(format!("registry-{}.db", Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ")));
    let backup = sqlite::back_up(&assemble::sqlite_config(path, &settings), &file);
    let backup = backup.map_err(|error| match &error {
        aam_registry_core::Error::Backend(backend)
            if backend.kind == aam_registry_core::error::BackendKind::Storage =>
        {
            Failed(format!("the backup cannot be written: {}", assemble::cause(&error)))
        }
        _ => Failed::from(unusable(&settings, &error)),
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
