//! `restore`.

use indicatif::HumanBytes;
use serde_json::json;

use super::{Answer, Failed, backup::place, configuration, progress, runtime};
use crate::{
    backup::{self, Restored, WantedRestore},
    cli::Restore,
    config::Surroundings,
};

/// Restores a backup.
pub(super) fn run(command: &Restore, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let wanted = WantedRestore { backup: command.backup.as_deref(), database_only: command.database_only };
    let restored = runtime()?.block_on(async {
        let place = place(&command.from, &settings)?;
        let bar = progress::counting("archives restored");
        let restored = backup::restore(&settings, &place, wanted, || bar.inc(1)).await;
        bar.finish_and_clear();
        Ok::<_, Failed>(restored?)
    })?;
    let Restored { manifest, rows, archives, bytes, keys } = &restored;
    let mut lines = vec![format!(
        "{}: {} packages and {} versions restored from the backup {}: {rows} rows and {archives} archives, {}, read \
         back and compared",
        settings.database_url,
        manifest.packages,
        manifest.versions,
        manifest.backup,
        HumanBytes(*bytes),
    )];
    lines.extend(keys.iter().map(|key| format!("the key {key} was restored into DATA_DIR")));
    if !manifest.lost.is_empty() {
        lines.push(format!(
            "{} archives are missing, as they were when the backup was made: `aam-registry storage verify` names them",
            manifest.lost.len()
        ));
    }
    if command.database_only {
        lines
            .push("the archives were left alone: `aam-registry storage verify` looks whether all are there".to_owned());
    }
    if manifest.keys.is_empty() {
        lines.push(
            "the backup has no keys: second factors and webhooks work only with the SECRETS_KEY of before".to_owned(),
        );
    }
    let json = json!({
        "backup": manifest.backup, "registry": manifest.registry, "packages": manifest.packages,
        "versions": manifest.versions, "rows": rows, "archives": archives, "bytes": bytes, "keys": keys,
        "lost": manifest.lost.len(),
    });
    Ok(Answer::new(command.json, lines.join("\n"), &json))
}
