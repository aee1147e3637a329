//! `cleanup-old-versions` and its arguments.

use clap::Args;

use crate::config::Flags;

/// `cleanup-old-versions`
#[derive(Debug, Args)]
#[command(after_help = "\
Removes versions that were published and last downloaded longer ago than --days. It keeps
versions that a dist-tag names, that meet a dependency of another package, that wait for
somebody's decision or are in quarantine, and the newest one where no other would be left.
A removed version is gone (410) wherever it is asked for, its number is never used again,
and the server deletes its bytes within an hour. This cannot be undone: look with --dry-run
first. Where a CDN serves downloads, they may not be counted, so it refuses; --force removes
all the same.

Examples:
  aam-registry cleanup-old-versions --days 365 --dry-run
  aam-registry cleanup-old-versions --days 365 --json")]
pub(crate) struct CleanupOldVersions {
    /// How many days ago a version was published and last downloaded
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500), value_name = "DAYS")]
    pub(crate) days: u32,
    /// Remove nothing; only list what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove even where a CDN may hide downloads
    #[arg(long)]
    pub(crate) force: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}
