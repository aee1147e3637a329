//! `db` and its arguments.

use clap::{Args, Subcommand};

use crate::config::Flags;

/// `db`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  aam-registry db stats
      Which table takes the room and, on PostgreSQL with pg_stat_statements, which
      statements take the time
  aam-registry db check
      Before and after a disk or a memory module was exchanged
  aam-registry db vacuum
      After much was deleted; reads go on, on SQLite writes wait while it runs")]
pub(crate) struct Db {
    #[command(subcommand)]
    pub(crate) action: DbAction,
}

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub(crate) enum DbAction {
    /// Show what takes the room and the time
    Stats(DbArgs),
    /// Make the room of deleted rows usable again
    Vacuum(DbArgs),
    /// Look for damage: exit code 1 if there is any
    Check(DbArgs),
}

/// The arguments of each of them.
#[derive(Debug, Args)]
pub(crate) struct DbArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}
