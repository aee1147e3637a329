//! `read-only` and its arguments.

use clap::{Args, Subcommand};

use crate::config::Flags;

/// `read-only`
#[derive(Debug, Args)]
#[command(after_help = "\
While it is on, every change is refused with 503 `read_only`. Reads, downloads, logins and
logouts work, and so does revoking tokens and ending sessions. Downloads are counted, and
stored when it is off again or the server stops. Nothing is deleted meanwhile. Every
replica follows within a second; a server with READ_ONLY=on stays read-only.

Examples:
  aam-registry read-only on --reason 'moving to another machine until 14:00 UTC'
  aam-registry read-only off")]
pub(crate) struct ReadOnly {
    #[command(subcommand)]
    pub(crate) action: ReadOnlyAction,
}

/// What to do with read-only mode.
#[derive(Debug, Subcommand)]
pub(crate) enum ReadOnlyAction {
    /// Refuse changes from now on
    On(ReadOnlyOn),
    /// Take changes again
    Off(ReadOnlyArgs),
    /// Show whether it is on: exit code 0 either way
    Status(ReadOnlyArgs),
}

/// `read-only on`
#[derive(Debug, Args)]
pub(crate) struct ReadOnlyOn {
    /// What users are told about it, at most 200 characters
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) args: ReadOnlyArgs,
}

/// The arguments of each of them.
#[derive(Debug, Args)]
pub(crate) struct ReadOnlyArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}
