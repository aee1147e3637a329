//! `audit`.

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    path::Path,
};

use aam_registry_core::{
    registry::{AuditFault, AuditVerdict, OPERATOR, Registry, ShownAuditEntry},
    types::AuditEntry,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Answer, Failed, configuration, progress, runtime, user::on_registry};
use crate::{
    assemble::{self, Purpose},
    cli::{ExportAudit, PruneAudit, VerifyAudit},
    config::Surroundings,
};

/// Checks the chain of the audit log.
pub(super) fn verify(command: &VerifyAudit, surroundings: Surroundings) -> Result<Answer, Failed> {
    let verdict = on_registry(surroundings, async |registry| {
        let bar = progress::counting("entries checked");
        let verdict = registry.verify_audit(&command.known, |position| bar.set_position(position)).await;
        bar.finish_and_clear();
        Ok(verdict?)
    })?;
    let faults: Vec<_> = verdict.faults.iter().map(line_of).collect();
    let mut lines = faults.clone();
    if verdict.further_faults > 0 {
        lines.push(format!("and {} more", verdict.further_faults));
    }
    for link in &verdict.pruned_links {
        lines.push(format!("position {} was pruned: its hash cannot be compared", link.position));
    }
    lines.push(summary(&verdict));
    lines.push(format!("end: {}", verdict.end));
    let json = json!({
        "good": verdict.is_good(),
        "checked": verdict.checked,
        "pruned_through": verdict.pruned.position,
        "end": verdict.end.to_string(),
        "faults": faults,
        "further_faults": verdict.further_faults,
        "pruned_links": verdict.pruned_links.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    Ok(Answer::new(command.json, lines.join("\n"), &json).bad_unless(verdict.is_good()))
}

fn summary(verdict: &AuditVerdict) -> String {
    let range = match verdict.pruned.position {
        0 => String::new(),
        pruned => format!(" (those up to position {pruned} were pruned)"),
    };
    let found = if verdict.is_good() { "all as the registry wrote them" } else { "the audit log was tampered with" };
    format!("{} entries checked{range}: {found}", verdict.checked)
}

fn line_of(fault: &AuditFault) -> String {
    match fault {
        AuditFault::Missing { first, last } if first == last => format!("the entry at position {first} is missing"),
        AuditFault::Missing { first, last } => format!("the entries at positions {first} to {last} are missing"),
        AuditFault::Misfit { position, id } => {
            format!("the entry {id} at position {position} was changed, moved or inserted")
        }
        AuditFault::Unreadable { position } => {
            format!("the entry at position {position} was changed: it holds values that the registry never writes")
        }
        AuditFault::Added { position, id } => {
            format!("the entry {id} at position {position} was added: the registry gave no such position")
        }
        AuditFault::End { position } => {
            format!("the recorded end of the log, position {position}, has another hash than the entry there")
        }
        AuditFault::Rewritten { position } => {
            format!("the log was rewritten: position {position} does not have the hash given with --known")
        }
        other => format!("{other:?}"),
    }
}

/// Writes the entries as JSON lines.
pub(super) fn export(command: &ExportAudit, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Command).await?;
        match &command.output {
            None => write_entries(&registry, command.after, BufWriter::new(io::stdout().lock())).await,
            Some(file) => {
                // The log names people and addresses: only its owner may read the file.
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let opened = options.open(file).map_err(|error| unwritable(file, &error))?;
                write_entries(&registry, command.after, BufWriter::new(opened)).await
            }
        }
    })?;
    Ok(Answer::silent())
}

async fn write_entries(registry: &Registry, after: u64, mut out: impl Write) -> Result<(), Failed> {
    let failed = |error: io::Error| Failed(format!("the export cannot be written: {error}"));
    let bar = progress::counting("entries exported");
    let mut position = after;
    loop {
        let entries = registry.audit_entries_after(position).await?;
        let Some(last) = entries.last() else { break };
        position = last.entry.chained.map_or(position, |(position, _)| position);
        for entry in &entries {
            writeln!(out, "{}", json_of(entry)).map_err(failed)?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    out.flush().map_err(failed)
}

fn json_of(shown: &ShownAuditEntry) -> Value {
    let AuditEntry { entry, chained } = &shown.entry;
    let mut line = json!({
        "position": chained.map(|(position, _)| position),
        "id": entry.id.to_string(),
        "event": entry.event.as_str(),
        "actor": entry.actor,
        "package": entry.package.as_ref().map(ToString::to_string),
        "version": entry.version,
        "timestamp": entry.timestamp.to_string(),
        "metadata": entry.metadata,
        "hash": chained.map(|(_, hash)| hash.to_string()),
    });
    if shown.hides_names {
        line["names_hidden"] = true.into();
    }
    line
}

fn unwritable(file: &Path, error: &io::Error) -> Failed {
    Failed(format!("{} cannot be written: {error}", file.display()))
}

/// Deletes old entries.
pub(super) fn prune(command: &PruneAudit, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    let age = command.older_than.or_else(|| settings.audit_retention_days.lifetime());
    let age = age.ok_or_else(|| {
        Failed(
            "`audit.retention_days` is 0, so entries are kept for ever; say with --older-than which to delete"
                .to_owned(),
        )
    })?;
    let before = SignedDuration::try_from(age).ok().and_then(|age| Timestamp::now().checked_sub(age).ok());
    let before = before.ok_or_else(|| Failed("--older-than reaches back too far".to_owned()))?;
    let pruned = runtime()?.block_on(async {
        let registry = assemble::registry(&settings, Purpose::Command).await?;
        Ok::<_, Failed>(registry.prune_audit(before, OPERATOR, command.dry_run, command.force).await?)
    })?;
    let verb = if command.dry_run { "would be deleted" } else { "deleted" };
    let text = match pruned.entries {
        0 => "no entry is old enough".to_owned(),
        count => format!("{count} entries {verb}, up to position {}", pruned.through.position),
    };
    let json = json!({
        "dry_run": command.dry_run, "entries": pruned.entries, "through": pruned.through.position,
        "before": before.to_string(),
    });
    Ok(Answer::new(command.json, text, &json))
}
