//! `audit` and its arguments.

use aam_registry_core::types::ChainLink;
use clap::{Args, Subcommand};

use crate::config::Flags;

/// `audit`
#[derive(Debug, Args)]
#[command(after_help = "\
Each entry of the audit log holds a hash of itself and of the entry before it. Who can
write to the database can compute all of them anew: keep the last line of `audit verify`
where he cannot write, and give it to the next check with --known.

Examples:
  aam-registry audit verify
  aam-registry audit verify --known 120:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  aam-registry audit export --output audit.jsonl
  aam-registry audit prune --older-than 365d")]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) action: AuditAction,
}

/// What to do with the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditAction {
    /// Find entries that were changed, added, removed or reordered: exit code 1 if there are any
    Verify(VerifyAudit),
    /// Write entries as JSON lines, oldest first
    Export(ExportAudit),
    /// Delete old entries, as the server does each day; the rest stays provable
    Prune(PruneAudit),
}

/// `audit verify`
#[derive(Debug, Args)]
pub(crate) struct VerifyAudit {
    /// A position and its hash that an earlier check printed; may be given more than once
    #[arg(long, value_name = "POSITION:HASH")]
    pub(crate) known: Vec<ChainLink>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `audit export`
#[derive(Debug, Args)]
#[command(after_help = "\
The hash of an entry is SHA-256 over the hash before it (32 zero bytes before the first)
and the compact JSON array of position, id, event, actor, package, version, timestamp
in microseconds since 1970, and metadata with sorted keys.

Names of deleted accounts are shown as (deleted user); such a line has \"names_hidden\": true.
Its hash is that of the stored entry, so it cannot be computed from the line, and the next
line still continues from it; `audit verify` checks what is stored.")]
pub(crate) struct ExportAudit {
    /// File to write, which must not exist; the standard output if not given
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<std::path::PathBuf>,
    /// Only entries after this position
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    pub(crate) after: u64,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `audit prune`
#[derive(Debug, Args)]
#[command(after_help = "\
An entry `admin.audit_prune` records which hash the oldest remaining entry continues.
Entries are checked before they are deleted; if one was tampered with, nothing is deleted.

Examples:
  aam-registry audit prune --dry-run
  aam-registry audit prune --older-than 365d --json")]
pub(crate) struct PruneAudit {
    /// Delete entries at least this old: a number with s, m, h or d; by default the days of `audit.retention_days`
    #[arg(long, value_name = "TIME", value_parser = crate::config::parse_age)]
    pub(crate) older_than: Option<std::time::Duration>,
    /// Delete nothing; only count
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Delete entries that were tampered with as well
    #[arg(long)]
    pub(crate) force: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}
