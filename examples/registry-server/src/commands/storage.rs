//! `storage cleanup`, `storage verify` and `storage adopt`.

use aam_registry_core::registry::{CleanupOptions, Damage, Garbage, GarbageFate, GarbageKind, Suspicion, VerifyReport};
use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::{Answer, Failed, configuration, listed::Listed, progress, runtime};
use crate::{
    assemble::{self, Purpose},
    cli::{Adopt, Cleanup, Verify},
    config::Surroundings,
};

/// Deletes archives that no version refers to.
pub(super) fn cleanup(command: &Cleanup, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let options = CleanupOptions { older_than: command.older_than, dry_run: command.dry_run, force: command.force };
    let mut found = Listed::new(command.json)?;
    let cleaned = runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Archives).await?;
        let bar = progress::counting("found that nothing refers to");
        let cleaned = registry
            .clean_storage(options, |garbage| {
                bar.inc(1);
                found.add(|| line_of(garbage), || json_of(garbage));
            })
            .await;
        bar.finish_and_clear();
        Ok::<_, Failed>(cleaned)
    })?;

    let mut lines = Vec::new();
    let report = match cleaned {
        Ok(report) => report,
        Err(error) => {
            let failed = Failed::from(error);
            let json = json!({ "dry_run": command.dry_run, "error": failed.to_string() });
            return Ok(Answer::new(command.json, "", &json).with_list("items", found).broken_off_by(failed));
        }
    };
    let stopped = report.suspicion.filter(|_| !command.dry_run && !command.force);
    let verb = if command.dry_run || stopped.is_some() { "would be deleted" } else { "deleted" };
    lines.push(format!(
        "{} archives and {} unfinished uploads {verb}, {}; {} looked at",
        report.archives,
        report.unfinished,
        HumanBytes(report.bytes),
        report.scanned
    ));
    if report.failed > 0 {
        lines.push(format!("{} could not be deleted: run it again", report.failed));
    }
    let needs_force = report.suspicion.map(|suspicion| why_ask(suspicion, stopped.is_some()));
    let json = json!({
        "dry_run": command.dry_run, "scanned": report.scanned, "archives": report.archives,
        "unfinished": report.unfinished, "bytes": report.bytes, "failed": report.failed,
        "stopped": stopped.is_some(), "needs_force": needs_force,
    });
    if let (true, Some(why)) = (command.dry_run, &needs_force) {
        lines.push(why.clone());
    }
    let answer = Answer::new(command.json, lines.join("\n"), &json);
    let answer = answer.with_list("items", found).bad_unless(report.failed == 0);
    Ok(match needs_force.filter(|_| stopped.is_some()) {
        Some(why) => answer.broken_off_by(Failed(why)),
        None => answer,
    })
}

/// Why the operator should look before so many archives are deleted.
fn why_ask(suspicion: Suspicion, is_stopped: bool) -> String {
    let Suspicion { archives, of } = suspicion;
    let (outcome, much) = (
        if is_stopped { "nothing was deleted" } else { "without --dry-run this stops" },
        if suspicion.is_all() { "all there are" } else { "more than a tenth" },
    );
    format!(
        "{outcome}: nothing refers to {archives} of {of} archives, {much}. Failed uploads do not leave that many. \
         Rather the database was restored from an older state or is a new and empty one, or the archives of another \
         registry lie in the same place. See which by `storage cleanup --dry-run`; --force deletes them all the same"
    )
}

fn kind(garbage: &Garbage) -> &'static str {
    match garbage.kind {
        GarbageKind::Archive => "archive",
        GarbageKind::Unfinished => "unfinished",
    }
}

fn line_of(garbage: &Garbage) -> String {
    let size = HumanBytes(garbage.stored.size);
    let fate = match &garbage.fate {
        GarbageFate::Deleted => "deleted".to_owned(),
        GarbageFate::WouldBeDeleted => "would be deleted".to_owned(),
        GarbageFate::Failed(reason) => format!("not deleted: {reason}"),
    };
    format!("{} {} ({size}): {fate}", kind(garbage), garbage.stored.key)
}

fn json_of(garbage: &Garbage) -> Value {
    let error = if let GarbageFate::Failed(reason) = &garbage.fate { Some(reason) } else { None };
    json!({
        "kind": kind(garbage), "archive": garbage.stored.key.as_str(), "size": garbage.stored.size,
        "modified_at": garbage.stored.modified_at.map(|at| at.to_string()),
        "deleted": garbage.fate == GarbageFate::Deleted, "error": error,
    })
}

/// Checks that every version has its archive.
pub(super) fn verify(command: &Verify, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let mut lines = Vec::new();
    let (mut damaged, mut not_permitted) = (Listed::new(command.json)?, Listed::new(command.json)?);
    let verified = runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Archives).await?;
        let bar = progress::counting("versions checked");
        let verified = registry
            .verify_storage(command.deep, |location, damage| {
                bar.inc(1);
                let Some(damage) = damage else { return };
                let (package, version) = (&location.package, &location.version);
                let (problem, told) = match damage {
                    Damage::Missing => ("missing", "its archive is missing".to_owned()),
                    Damage::Size(size) => ("size", format!("its archive has {size} bytes, not {}", location.size)),
                    Damage::Digest(digest) => {
                        ("digest", format!("its archive has the SHA-256 {digest}, not {}", location.sha256))
                    }
                    Damage::Unreadable(reason) => ("unreadable", format!("its archive cannot be read: {reason}")),
                    Damage::NotPermitted(reason) => {
                        ("not_permitted", format!("its archive is not readable: permission denied: {reason}"))
                    }
                };
                let items = if problem == "not_permitted" { &mut not_permitted } else { &mut damaged };
                items.add(
                    || format!("{package} {version}: {told} ({})", location.archive),
                    || {
                        json!({
                            "package": package.as_str(), "version": version.to_string(),
                            "archive": location.archive.as_str(), "problem": problem, "message": told,
                        })
                    },
                );
            })
            .await;
        bar.finish_and_clear();
        Ok::<_, Failed>(verified)
    })?;

    let report = match verified {
        Ok(report) => report,
        Err(error) => {
            let failed = Failed::from(error);
            let json = json!({ "deep": command.deep, "error": failed.to_string() });
            let answer = Answer::new(command.json, "", &json).with_list("damaged", damaged);
            return Ok(answer.with_list("not_permitted", not_permitted).broken_off_by(failed));
        }
    };
    let how = if command.deep { "read and compared" } else { "looked at" };
    let (checked, bytes) = (report.checked, HumanBytes(report.bytes));
    lines.push(format!("{checked} versions with {bytes} {how}; {} damaged", report.damaged));
    if report.not_permitted > 0 {
        lines.push(format!(
            "{} not readable: permission denied; give this registry's user or key the right to read them, and look again",
            report.not_permitted
        ));
    }
    let mismatch = mismatch(&report);
    lines.extend(mismatch.clone());
    let json = json!({
        "deep": command.deep, "checked": report.checked, "bytes": report.bytes, "mismatch": mismatch,
    });
    let answer = Answer::new(command.json, lines.join("\n"), &json).with_list("damaged", damaged);
    Ok(answer.with_list("not_permitted", not_permitted).bad_unless(report.is_good()))
}

/// Why the database and the archives do not belong together, or `None` if they do.
fn mismatch(report: &VerifyReport) -> Option<String> {
    let remedy = "see by `aam-registry config show` that DATABASE_URL, DATA_DIR and the storage are those of one \
                  registry; where the database was made anew for these archives, restore it from a backup";
    if let Some(owner) = report.foreign {
        return Some(format!("the archive storage is marked as that of another registry, {owner}: {remedy}"));
    }
    let is_lost = report.checked == 0 && report.stray > 0;
    is_lost.then(|| format!("the database knows no version, and the storage holds archives all the same: {remedy}"))
}

/// Marks the storage as this registry's.
pub(super) fn adopt(command: &Adopt, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let (id, before) = runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Archives).await?;
        let id = registry.id().await?;
        Ok::<_, Failed>((id, registry.adopt_storage().await?))
    })?;
    let text = match before {
        Some(before) if before == id => format!("the storage was marked as that of this registry, {id}, already"),
        Some(before) => format!("the storage was that of the registry {before}, and is now that of this one, {id}"),
        None => format!("the storage had no mark, and is now that of this registry, {id}"),
    };
    let json = json!({ "registry": id.to_string(), "before": before.map(|before| before.to_string()) });
    Ok(Answer::new(command.json, text, &json))
}
