//! `backup` and `restore`, and their arguments.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::config::Flags;

/// `backup`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
A backup holds the database as it was at one instant, and every archive that the database
then referred to; it works with every database and every storage. Backups in one place share
their archives, so each copies only new ones. A backup that was broken off is never taken
for a whole one. The configuration is not part of it, and keys only with --with-keys.

With --keep, older backups are deleted when the new one is complete, and archives that no
backup needs any more. docs/backup.md describes all of it.

Examples:
  aam-registry backup --to /srv/backup --keep 30d
  aam-registry backup --to s3://aam-backups/registry --keep 30d
      A bucket is reached with S3_ENDPOINT_URL, S3_REGION and the access key of the
      archives, or with MINIO_*
  aam-registry backup verify /srv/backup
  aam-registry backup ls /srv/backup")]
pub(crate) struct Backup {
    #[command(subcommand)]
    pub(crate) action: Option<BackupAction>,
    /// Folder, or `s3://BUCKET/PREFIX`, to write to; a folder is created if it does not exist
    #[arg(long, value_name = "PLACE", required = true)]
    pub(crate) to: Option<String>,
    /// Delete backups older than this: a number with m, h or d
    #[arg(long, value_name = "TIME", value_parser = crate::config::parse_age, conflicts_with = "database_only")]
    pub(crate) keep: Option<Duration>,
    /// Also the keys in the data folder: who has them can log in as anybody
    #[arg(long, conflicts_with = "database_only")]
    pub(crate) with_keys: bool,
    /// Only an SQLite database, as the file `registry-TIME.db` in the folder
    #[arg(long)]
    pub(crate) database_only: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// What to do with backups.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupAction {
    /// Read every file of the backups and compare it: exit code 1 if anything is damaged
    Verify(VerifyBackup),
    /// List the backups, oldest first
    Ls(ListBackups),
}

/// `backup verify`
#[derive(Debug, Args)]
pub(crate) struct VerifyBackup {
    /// Folder, or `s3://BUCKET/PREFIX`, with the backups
    #[arg(value_name = "PLACE")]
    pub(crate) place: String,
    /// Only the backup of this name, as `backup ls` shows it
    #[arg(long, value_name = "NAME")]
    pub(crate) backup: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `backup ls`
#[derive(Debug, Args)]
pub(crate) struct ListBackups {
    /// Folder, or `s3://BUCKET/PREFIX`, with the backups
    #[arg(value_name = "PLACE")]
    pub(crate) place: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `restore`
#[derive(Debug, Args)]
#[command(after_help = "\
Database and storage have to be empty; they may be of other kinds than those that were
backed up: SQLite or PostgreSQL, a folder or a bucket. Every row and every archive is read
back and compared before the command says that all is restored. Until then no server works
on the database, and the command can be run again.

The registry keeps its id. Let no copy of it run beside the original with the same storage
or Redis.

Examples:
  aam-registry restore --from /srv/backup --data-dir /var/lib/aam-registry
  aam-registry restore --from s3://aam-backups/registry --backup 20261130T030000.000000Z")]
pub(crate) struct Restore {
    /// Folder, or `s3://BUCKET/PREFIX`, with the backups
    #[arg(long, value_name = "PLACE")]
    pub(crate) from: String,
    /// The backup of this name, as `backup ls` shows it [default: the newest whole one]
    #[arg(long, value_name = "NAME")]
    pub(crate) backup: Option<String>,
    /// Only the database; the storage still has the archives
    #[arg(long)]
    pub(crate) database_only: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}
