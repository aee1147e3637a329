//! `backup`, `backup verify` and `backup ls`.

mod database_only;

use std::path::PathBuf;

use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::{Answer, Failed, answer::warn, configuration, progress, runtime};
use crate::{
    assemble,
    backup::{self, BackupError, FoundBackup, LostArchive, Made, Manifest, Place, Verified, Wanted},
    cli::{Backup, ListBackups, VerifyBackup},
    config::{Settings, Surroundings},
};

/// Backs up the registry.
pub(super) fn run(command: &Backup, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let to = command.to.as_deref().unwrap_or_default();
    if command.database_only {
        return database_only::run(command, to.as_ref(), &settings);
    }
    let wanted = Wanted { keys: command.with_keys, keep: command.keep };
    let made = runtime()?.block_on(async {
        let place = place(to, &settings)?;
        assemble::require_registry(&settings).await?;
        let bar = progress::counting("archives copied");
        let made = backup::make(&settings, &place, wanted, || bar.inc(1)).await;
        bar.finish_and_clear();
        Ok::<_, Failed>(made?)
    })?;
    Ok(answer(command, to, &settings, &made))
}

fn answer(command: &Backup, to: &str, settings: &Settings, made: &Made) -> Answer {
    let Made { manifest, copied, copied_bytes, pruned } = made;
    let warning = (manifest.versions == 0).then(|| {
        format!(
            "{} holds no version of any package: see that it is the registry you mean (DATA_DIR, DATABASE_URL)",
            settings.database_url
        )
    });
    if let Some(warning) = &warning {
        warn(warning);
    }
    let mut lines = vec![format!(
        "{to}: backup {} with {} packages, {} versions and {} archives, {}; {copied} archives new, {}",
        manifest.backup,
        manifest.packages,
        manifest.versions,
        manifest.archives.count,
        HumanBytes(manifest.bytes()),
        HumanBytes(*copied_bytes),
    )];
    if let Some(pruned) = pruned {
        let left = if pruned.archives_left { ", the others left, since some backups are not whole" } else { "" };
        lines.push(format!("{} old backups and {} archives deleted{left}", pruned.backups, pruned.archives));
    }
    lines.extend(
        manifest.lost.iter().map(|LostArchive { archive, reason }| format!("{archive}: not backed up: {reason}")),
    );
    let json = json!({
        "to": to, "backup": manifest.backup, "packages": manifest.packages, "versions": manifest.versions,
        "archives": manifest.archives.count, "bytes": manifest.bytes(), "copied": copied,
        "copied_bytes": copied_bytes, "lost": lost_json(manifest), "warning": warning,
        "pruned": pruned.map(|pruned| json!({ "backups": pruned.backups, "archives": pruned.archives })),
    });
    let answer = Answer::new(command.json, lines.join("\n"), &json);
    if manifest.lost.is_empty() {
        return answer;
    }
    answer.broken_off_by(Failed(format!(
        "the backup is whole but for {} archives that the storage does not have as they were published: see \
         `aam-registry storage verify --deep`",
        manifest.lost.len()
    )))
}

fn lost_json(manifest: &Manifest) -> Vec<Value> {
    let lost = manifest.lost.iter();
    lost.map(|lost| json!({ "archive": lost.archive, "reason": lost.reason })).collect()
}

/// Verifies backups.
pub(super) fn verify(command: &VerifyBackup, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let verified = runtime()?.block_on(async {
        let place = place(&command.place, &settings)?;
        let bar = progress::counting("archives read and compared");
        let verified = backup::verify(&place, command.backup.as_deref(), || bar.inc(1)).await;
        bar.finish_and_clear();
        Ok::<_, Failed>(verified?)
    })?;
    let Verified { backups, rows, archives, bytes, faults, broken_off } = &verified;
    let mut lines = faults.clone();
    lines.extend(broken_off.iter().map(|name| format!("{name}: not whole: it was broken off, or is being written")));
    let (many, read) = (backups.len(), HumanBytes(*bytes));
    lines.push(format!(
        "{many} backups with {rows} rows and {archives} archives, {read} read and compared; {} faults",
        faults.len()
    ));
    let json = json!({
        "backups": backups, "rows": rows, "archives": archives, "bytes": bytes, "faults": faults,
        "not_whole": broken_off,
    });
    Ok(Answer::new(command.json, lines.join("\n"), &json).bad_unless(faults.is_empty()))
}

/// Lists backups.
pub(super) fn list(command: &ListBackups, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let found = runtime()?.block_on(async {
        let place = place(&command.place, &settings)?;
        Ok::<_, Failed>(backup::backups_in(&place).await?)
    })?;
    let lines: Vec<_> = found.iter().map(line_of).collect();
    let json = json!({ "backups": found.iter().map(json_of).collect::<Vec<_>>() });
    let text = if lines.is_empty() { format!("{}: no backups", command.place) } else { lines.join("\n") };
    Ok(Answer::new(command.json, text, &json))
}

fn line_of(FoundBackup { name, manifest }: &FoundBackup) -> String {
    match manifest {
        Ok(Some(manifest)) => format!(
            "{name}  {:>8} packages {:>8} versions {:>12}  {} {}{}",
            manifest.packages,
            manifest.versions,
            HumanBytes(manifest.bytes()).to_string(),
            manifest.database,
            manifest.release,
            if manifest.lost.is_empty() { String::new() } else { format!("  {} archives lost", manifest.lost.len()) },
        ),
        Ok(None) => format!("{name}  not whole: it was broken off, or is being written"),
        Err(reason) => format!("{name}  damaged: {reason}"),
    }
}

fn json_of(FoundBackup { name, manifest }: &FoundBackup) -> Value {
    match manifest {
        Ok(Some(manifest)) => json!({
            "backup": name, "whole": true, "completed_at": manifest.completed_at, "registry": manifest.registry,
            "release": manifest.release, "database": manifest.database, "packages": manifest.packages,
            "versions": manifest.versions, "archives": manifest.archives.count, "bytes": manifest.bytes(),
            "lost": lost_json(manifest),
        }),
        Ok(None) => json!({ "backup": name, "whole": false }),
        Err(reason) => json!({ "backup": name, "whole": false, "error": reason }),
    }
}

/// The place that the operator named.
pub(super) fn place(name: &str, settings: &Settings) -> Result<Place, Failed> {
    let Some(rest) = name.strip_prefix("s3://") else {
        if name.contains("://") {
            return Err(Failed(format!("{name} is no place for backups: give a folder, or s3://BUCKET/PREFIX")));
        }
        return Ok(Place::Folder(PathBuf::from(name)));
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let objects = assemble::bucket_objects(settings, bucket, prefix.trim_matches('/'))?;
    Ok(Place::Bucket { objects, url: name.to_owned() })
}

impl From<BackupError> for Failed {
    fn from(error: BackupError) -> Self {
        Self(error.to_string())
    }
}
