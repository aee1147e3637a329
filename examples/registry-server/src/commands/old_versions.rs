//! `cleanup-old-versions`.

use std::{fmt::Write, time::Duration};

use aam_registry_core::{decide::KeptFor, registry::OldVersionOptions};
use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::{Answer, Failed, configuration, listed::Listed, progress, runtime};
use crate::{
    assemble::{self, Purpose},
    cli::CleanupOldVersions,
    config::{DownloadRedirect, Surroundings},
};

/// Removes old versions that nobody uses.
pub(super) fn run(command: &CleanupOldVersions, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let hides_downloads = settings.cdn_enabled.is_on() || settings.download_redirect == DownloadRedirect::Cdn;
    if hides_downloads && !command.force && !command.dry_run {
        return Err(Failed(
            "nothing was removed: a CDN serves downloads here, and those that it answers by itself are not counted, so \
             a version that looks unused may be in use. See by its own statistics, then repeat this with --force"
                .to_owned(),
        ));
    }
    let older_than = Duration::from_hours(u64::from(command.days) * 24);
    let options = OldVersionOptions { older_than, dry_run: command.dry_run };
    let mut removed = Listed::new(command.json)?;
    let result = runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Command).await?;
        let bar = progress::counting("packages looked at");
        let result = registry
            .remove_old_versions(
                options,
                |package, version| {
                    removed.add(
                        || format!("{package} {} ({})", version.version, HumanBytes(version.archive_size)),
                        || {
                            json!({
                                "package": package.as_str(), "version": version.version.to_string(),
                                "published_at": version.published_at.to_string(), "size": version.archive_size,
                            })
                        },
                    );
                },
                || bar.inc(1),
            )
            .await;
        bar.finish_and_clear();
        Ok::<_, Failed>(result)
    })?;
    let report = match result {
        Ok(report) => report,
        Err(error) => {
            let failed = Failed::from(error);
            let json = json!({ "dry_run": command.dry_run, "error": failed.to_string() });
            return Ok(Answer::new(command.json, "", &json).with_list("versions", removed).broken_off_by(failed));
        }
    };
    let verb = if command.dry_run { "would be removed" } else { "removed" };
    let mut text = format!(
        "{} versions {verb}, {}; {} packages looked at",
        report.removed,
        HumanBytes(report.bytes),
        report.packages
    );
    for (reason, count) in &report.kept {
        let _ = write!(text, "\n{count} old versions stay: {}", why(*reason));
    }
    let kept: serde_json::Map<_, _> = KeptFor::ALL
        .into_iter()
        .map(|reason| (reason.as_str().to_owned(), Value::from(report.kept.get(&reason).copied().unwrap_or_default())))
        .collect();
    let json = json!({
        "dry_run": command.dry_run, "days": command.days, "packages": report.packages, "removed": report.removed,
        "bytes": report.bytes, "kept": kept,
    });
    Ok(Answer::new(command.json, text, &json).with_list("versions", removed))
}

fn why(reason: KeptFor) -> &'static str {
    match reason {
        KeptFor::Undecided => "they wait for approval, were refused or are in quarantine",
        KeptFor::Tag => "a dist-tag names them",
        KeptFor::Downloads => "they were downloaded lately",
        KeptFor::Dependants => "another package depends on them",
        KeptFor::Only => "no other version of their package would be left",
        _ => "something else keeps them",
    }
}
