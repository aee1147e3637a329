//! `db`.

use std::{fmt::Write, time::Duration};

use aam_registry_backends::{DatabaseStats, SlowStatement, TableSize};
use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::{Answer, Failed, configuration, progress, runtime};
use crate::{
    assemble,
    cli::{DbAction, DbArgs},
    config::{DatabaseUrl, Settings, Surroundings},
};

/// How much of a statement is shown to people.
const SHOWN: usize = 120;

/// Runs one of the commands.
pub(super) fn run(action: &DbAction, args: &DbArgs, surroundings: Surroundings) -> Result<Answer, Failed> {
    let settings = configuration(surroundings)?.settings;
    runtime()?.block_on(async {
        assemble::require_registry(&settings).await?;
        match action {
            DbAction::Stats(_) => stats(&settings, args.json).await,
            DbAction::Vacuum(_) => vacuum(&settings, args.json).await,
            DbAction::Check(_) => check(&settings, args.json).await,
        }
    })
}

async fn stats(settings: &Settings, as_json: bool) -> Result<Answer, Failed> {
    let stats = assemble::database_stats(settings).await?;
    let json = json!({
        "database": settings.database_url.to_string(), "bytes": stats.bytes, "unused_bytes": stats.unused,
        "tables": stats.tables.iter().map(table_json).collect::<Vec<_>>(),
        "slow_statements": stats.slow.as_ref().map(|slow| slow.iter().map(slow_json).collect::<Vec<_>>()),
    });
    Ok(Answer::new(as_json, described(settings, &stats), &json))
}

fn described(settings: &Settings, stats: &DatabaseStats) -> String {
    let (bytes, unused) = (HumanBytes(stats.bytes), HumanBytes(stats.unused));
    let mut text = format!("{}: {bytes}, of which {unused} are free for new rows\n", settings.database_url);
    for TableSize { table, rows, bytes } in &stats.tables {
        let _ = writeln!(text, "{table:<32} {rows:>12} rows {:>12}", HumanBytes(*bytes).to_string());
    }
    match (&stats.slow, &settings.database_url) {
        (Some(slow), _) => {
            text.push_str("statements by the time that they took in total:\n");
            for SlowStatement { statement, calls, mean, total } in slow {
                let line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
                let shown: String = line.chars().take(SHOWN).collect();
                let _ = writeln!(text, "{total:>10.1?} in {calls} runs of {mean:.1?}: {shown}");
            }
        }
        (None, DatabaseUrl::Postgres(_)) => text.push_str(
            "for the slowest statements: shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, and once \
             CREATE EXTENSION pg_stat_statements",
        ),
        (None, DatabaseUrl::Sqlite(_)) => {}
    }
    text
}

fn table_json(TableSize { table, rows, bytes }: &TableSize) -> Value {
    json!({ "table": table, "rows": rows, "bytes": bytes })
}

fn slow_json(SlowStatement { statement, calls, mean, total }: &SlowStatement) -> Value {
    let milliseconds = |time: &Duration| time.as_secs_f64() * 1000.0;
    json!({ "statement": statement, "calls": calls, "mean_ms": milliseconds(mean), "total_ms": milliseconds(total) })
}

async fn vacuum(settings: &Settings, as_json: bool) -> Result<Answer, Failed> {
    let before = assemble::database_stats(settings).await?.bytes;
    let bar = progress::counting("tables tidied up");
    let vacuumed = assemble::vacuum(settings, |_| bar.inc(1)).await;
    bar.finish_and_clear();
    vacuumed?;
    let after = assemble::database_stats(settings).await?.bytes;
    let text = format!("{}: {} before, {} now", settings.database_url, HumanBytes(before), HumanBytes(after));
    let json = json!({ "database": settings.database_url.to_string(), "bytes_before": before, "bytes": after });
    Ok(Answer::new(as_json, text, &json))
}

async fn check(settings: &Settings, as_json: bool) -> Result<Answer, Failed> {
    let faults = assemble::database_faults(settings).await?;
    let mut text = faults.join("\n");
    match faults.len() {
        0 => {
            let _ = write!(text, "{}: sound", settings.database_url);
        }
        _ if matches!(settings.database_url, DatabaseUrl::Sqlite(_)) => {
            text.push_str("\nrestore the last backup that is sound: docs/backup.md");
        }
        _ => {}
    }
    let json = json!({ "database": settings.database_url.to_string(), "faults": faults });
    Ok(Answer::new(as_json, text, &json).bad_unless(faults.is_empty()))
}
