//! The commands and their arguments.

mod audit;
mod backup;
mod db;
mod exchange;
mod old_versions;
mod read_only;
mod version;

use aam_registry_core::types::{AccountRole, JobState};
use clap::{ArgGroup, Args, Parser, Subcommand};

pub(crate) use self::{
    audit::{Audit, AuditAction, ExportAudit, PruneAudit, VerifyAudit},
    backup::{Backup, BackupAction, ListBackups, Restore, VerifyBackup},
    db::{Db, DbAction, DbArgs},
    exchange::{Export, Import},
    old_versions::CleanupOldVersions,
    read_only::{ReadOnly, ReadOnlyAction, ReadOnlyArgs, ReadOnlyOn},
    version::{ModeratedVersion, QuarantineVersion, VersionAction, VersionCommand},
};
use crate::config::{Flags, keys_of_the_file_alone};

const EXAMPLES: &str = "\
Examples:
  aam-registry
      Serves on http://localhost:8000 with everything it keeps in ./data
  aam-registry --port 9000 --data-dir /var/lib/aam-registry
      Serves on another port, from another folder
  aam-registry create-admin --username admin --email admin@example.com
      Creates an administrator and asks for the password; the server may run
  BASE_URL=https://registry.example.com JWT_SECRET_FILE=/run/secrets/jwt aam-registry
      Serves behind a proxy at a public address
  aam-registry config show
      Prints every setting in force and where it came from

Every option is also an environment variable (--data-dir is DATA_DIR) and a key of
config.yaml (data_dir). A flag overrides the environment, the environment overrides a .env
file, and that overrides config.yaml. A secret can be read from a file:
JWT_SECRET_FILE=/run/secrets/jwt. Variables in the values of .env are not expanded; put a
value that contains spaces or `\\` in single quotes. For its own HTTPS requests the server
trusts the certificate authorities of the system, or those in SSL_CERT_FILE (a PEM file)
or SSL_CERT_DIR (a folder), and beside them those in CA_BUNDLE.";

/// The text after the settings in `--help`.
fn after_settings() -> String {
    format!("{}\n\n{EXAMPLES}", keys_of_the_file_alone())
}

/// Serves a registry of packages for AI agents.
#[derive(Debug, Parser)]
#[command(name = "aam-registry", version = env!("AAM_VERSION"), about, after_help = after_settings(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) flags: Flags<true>,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the registry (the default)
    Serve(Serve),
    /// Migrate the schema of the database
    Migrate(Migrate),
    /// Create an administrator, also while the server runs
    CreateAdmin(CreateAdmin),
    /// Create, list, change and disable accounts, also while the server runs
    User(User),
    /// Revoke API tokens, also while the server runs
    Token(Token),
    /// Quarantine, release and remove versions, also while the server runs
    Version(VersionCommand),
    /// List, retry and remove queued jobs, also while the server runs
    Jobs(Jobs),
    /// List the webhooks of config.yaml and enable those that were disabled, also while the server runs
    Webhook(Webhook),
    /// Refuse changes for a while, on all replicas within a second
    ReadOnly(ReadOnly),
    /// Compare the archive storage with the database, also while the server runs
    Storage(Storage),
    /// Remove old versions that nobody has downloaded for long, also while the server runs
    CleanupOldVersions(CleanupOldVersions),
    /// Check, export and prune the audit log, also while the server runs
    Audit(Audit),
    /// Measure, check and tidy up the database, also while the server runs
    Db(Db),
    /// Back up database and archives, also while the server runs; verify and list backups
    Backup(Backup),
    /// Restore a backup into an empty database and storage
    Restore(Restore),
    /// Write public packages as a folder that clients use without a server
    Export(Export),
    /// Publish the packages of a folder, also while the server runs
    Import(Import),
    /// Ask a running server whether it is ready: exit code 0 or 1
    Healthcheck(Healthcheck),
    /// Check or print the configuration
    Config(Config),
}

/// `serve`
#[derive(Debug, Args)]
#[command(after_help = after_settings())]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) flags: Flags<true>,
}

/// `migrate`
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Change nothing; fail if something would change
    #[arg(long)]
    pub(crate) check: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `create-admin`
#[derive(Debug, Args)]
#[command(after_help = "\
Without --password the password is asked for, or read from the standard input where
that is no terminal:
  aam-registry create-admin --username admin --email admin@example.com < password.txt")]
pub(crate) struct CreateAdmin {
    /// Name to log in with
    #[arg(long)]
    pub(crate) username: String,
    /// E-mail address
    #[arg(long)]
    pub(crate) email: String,
    /// Password, at least 12 characters; others on this machine can see it
    #[arg(long)]
    pub(crate) password: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `user`
#[derive(Debug, Args)]
#[command(after_help = "\
All of these work beside a running server, and every replica follows within a second.

Examples:
  aam-registry user create --username ada --email ada@example.com
  aam-registry user grant-role ada admin
  aam-registry user disable ada
  aam-registry user reset-password ada < password.txt")]
pub(crate) struct User {
    #[command(subcommand)]
    pub(crate) action: UserAction,
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// Create an account, even if REGISTRATION is closed
    Create(CreateUser),
    /// List accounts
    List(ListUsers),
    /// Show an account with its scopes, packages and API tokens
    Show(NamedUser),
    /// Disable an account: its sessions end, its API tokens are refused, its packages stay
    Disable(NamedUser),
    /// Enable an account again; API tokens that were not revoked work again
    Enable(NamedUser),
    /// Give an account a role
    GrantRole(RoleOfUser),
    /// Take a role from an account
    RevokeRole(RoleOfUser),
    /// Set a new password and end every session of the account
    ResetPassword(ResetPassword),
    /// Delete an account: name, address and credentials are erased, packages stay
    Delete(NamedUser),
    /// Make a link with which somebody makes an account, once and within a week
    Invite(InviteUser),
    /// Remove the second factor of an account whose user has lost it
    ResetOtp(NamedUser),
}

/// `user create`
#[derive(Debug, Args)]
#[command(after_help = "\
Without --password the password is asked for, or read from the standard input where
that is no terminal. Its user changes it with `aam passwd`.")]
pub(crate) struct CreateUser {
    /// Name to log in with; also the name of the account's own scope
    #[arg(long)]
    pub(crate) username: String,
    /// E-mail address
    #[arg(long)]
    pub(crate) email: String,
    /// Password, at least 12 characters; others on this machine can see it
    #[arg(long)]
    pub(crate) password: Option<String>,
    /// Make it an administrator
    #[arg(long)]
    pub(crate) admin: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `user invite`
#[derive(Debug, Args)]
pub(crate) struct InviteUser {
    /// E-mail address that the account has to have; it also gets the link by mail, if mail is set up
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Role that the account gets
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// Scope that the account becomes a member of, and its role: owner, member or contributor
    #[arg(long = "scope", value_name = "SCOPE=ROLE")]
    pub(crate) scopes: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `user list`
#[derive(Debug, Args)]
pub(crate) struct ListUsers {
    /// Only those with this role
    #[arg(long, value_parser = role)]
    pub(crate) role: Option<AccountRole>,
    /// Only those that are disabled
    #[arg(long)]
    pub(crate) disabled: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `user show`, `disable`, `enable`, `delete` and `reset-otp`
#[derive(Debug, Args)]
pub(crate) struct NamedUser {
    /// Whose account
    #[arg(value_name = "USERNAME")]
    pub(crate) username: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `user grant-role` and `revoke-role`
#[derive(Debug, Args)]
pub(crate) struct RoleOfUser {
    /// Whose account
    #[arg(value_name = "USERNAME")]
    pub(crate) username: String,
    /// Which role: admin, approver, moderator or auditor
    #[arg(value_parser = role)]
    pub(crate) role: AccountRole,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `user reset-password`
#[derive(Debug, Args)]
#[command(after_help = "\
Without --password the password is asked for, or read from the standard input where
that is no terminal. API tokens go on: `aam-registry token revoke --user` ends them.")]
pub(crate) struct ResetPassword {
    /// Whose account
    #[arg(value_name = "USERNAME")]
    pub(crate) username: String,
    /// Password, at least 12 characters; others on this machine can see it
    #[arg(long, conflicts_with = "link")]
    pub(crate) password: Option<String>,
    /// Print a link with which the user sets the password, once and within a day, instead of setting one
    #[arg(long)]
    pub(crate) link: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

fn role(text: &str) -> Result<AccountRole, String> {
    let known = || AccountRole::ALL.map(AccountRole::as_str).join(", ");
    AccountRole::parse(text).ok_or_else(|| format!("there is no such role; the roles are: {}", known()))
}

/// `token`
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) action: TokenAction,
}

/// What to do with API tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Revoke API tokens for good, on every replica within a second
    Revoke(RevokeTokens),
}

/// `token revoke`
#[derive(Debug, Args)]
#[command(after_help = "\
Login sessions are not API tokens: `aam-registry user disable` or `user reset-password`
ends the sessions of one user, a new JWT_SECRET ends all sessions.

Examples:
  aam-registry token revoke --id 0190d9f0-0000-7000-8000-000000000000
  aam-registry token revoke --user ada
  aam-registry token revoke --all")]
#[command(group(ArgGroup::new("which").required(true).args(["id", "user", "all"])))]
pub(crate) struct RevokeTokens {
    /// The token with this id, as listed by `user show`
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// All tokens of this user
    #[arg(long, value_name = "USERNAME")]
    pub(crate) user: Option<String>,
    /// All tokens of all users
    #[arg(long)]
    pub(crate) all: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `jobs`
#[derive(Debug, Args)]
#[command(after_help = "\
What follows from a change is queued with it, and the servers do it afterwards: a job
of the kind `event` hands the event to each subscriber, as a job of the subscriber's
kind. A job that fails is tried again, later each time, and is given up after days:
then it is `failed` until you retry or drop it, or for `retention.failed_jobs_days`.

Examples:
  aam-registry jobs list --state failed
  aam-registry jobs retry --failed
  aam-registry jobs drop 0190d9f0-0000-7000-8000-000000000000")]
pub(crate) struct Jobs {
    #[command(subcommand)]
    pub(crate) action: JobsAction,
}

/// What to do with queued jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsAction {
    /// List jobs, oldest first, with the reason why they failed last
    List(ListJobs),
    /// Make jobs due now and count their attempts anew; running ones are left alone
    Retry(PickedJobs),
    /// Remove jobs: what they were to do is not done
    Drop(PickedJobs),
}

/// `jobs list`
#[derive(Debug, Args)]
pub(crate) struct ListJobs {
    /// Only of this kind, such as event
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only those that are waiting, running, failed or done
    #[arg(long, value_parser = job_state)]
    pub(crate) state: Option<JobState>,
    /// At most this many
    #[arg(long, default_value_t = 100, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) limit: u64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `jobs retry` and `jobs drop`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(["ids", "failed", "kind"])))]
pub(crate) struct PickedJobs {
    /// The jobs with these ids, as `jobs list` shows them
    #[arg(value_name = "ID", conflicts_with_all = ["failed", "kind"])]
    pub(crate) ids: Vec<String>,
    /// All jobs that were given up
    #[arg(long)]
    pub(crate) failed: bool,
    /// All jobs of this kind that are not done; with --failed, those that were given up
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `webhook`
#[derive(Debug, Args)]
#[command(after_help = "\
A webhook of config.yaml is disabled when its receiver answers 410, or when every delivery
failed for a week; a changed configuration of it counts as a new webhook. Scopes have
webhooks of their own: `aam webhook`.")]
pub(crate) struct Webhook {
    #[command(subcommand)]
    pub(crate) action: WebhookAction,
}

/// What to do with the operator's webhooks.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookAction {
    /// List the webhooks, with since when and why one is disabled
    List(ListWebhooks),
    /// Put a disabled webhook to use again
    Enable(NamedWebhook),
}

/// `webhook list`
#[derive(Debug, Args)]
pub(crate) struct ListWebhooks {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `webhook enable`
#[derive(Debug, Args)]
pub(crate) struct NamedWebhook {
    /// The name of the webhook, as `webhook list` shows it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

fn job_state(text: &str) -> Result<JobState, String> {
    let known = || JobState::ALL.map(JobState::as_str).join(", ");
    JobState::parse(text).ok_or_else(|| format!("the states are: {}", known()))
}

/// `storage`
#[derive(Debug, Args)]
pub(crate) struct Storage {
    #[command(subcommand)]
    pub(crate) action: StorageAction,
}

/// What to do with the storage.
#[derive(Debug, Subcommand)]
pub(crate) enum StorageAction {
    /// Delete archives that no version refers to, and remains of unfinished uploads
    Cleanup(Cleanup),
    /// Check that every version has its archive
    Verify(Verify),
    /// Mark the storage as this registry's, replacing any other mark
    Adopt(Adopt),
}

/// `storage cleanup`
#[derive(Debug, Args)]
#[command(after_help = "\
The server itself deletes failed uploads; this command finds archives left for other reasons,
for example after the database was restored. It never deletes archives of uploads in
progress. If it would delete more than a tenth of all archives, however few they are, it
deletes nothing and says so: find out why, then run it with --force.

Examples:
  aam-registry storage cleanup --dry-run
  aam-registry storage cleanup --older-than 7d --json")]
pub(crate) struct Cleanup {
    /// Delete nothing; only list what would be deleted
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Delete even if that is more than a tenth of all archives
    #[arg(long)]
    pub(crate) force: bool,
    /// Delete only files written at least this long ago: a number with s, m, h or d
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = crate::config::parse_age)]
    pub(crate) older_than: std::time::Duration,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `storage verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 1 and names each version that is damaged or cannot be read. Also exits with 1 if the
storage is marked as another registry's, or if it holds archives and the database
has no version. --deep reads every byte.")]
pub(crate) struct Verify {
    /// Read every archive and compare its SHA-256, not only its size
    #[arg(long)]
    pub(crate) deep: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `storage adopt`
#[derive(Debug, Args)]
#[command(after_help = "\
A registry marks its storage with its id, which is created with its database, and does not
write to a storage with another mark: the cleanup of one would delete the archives of
the other. After a new database was created for existing archives, this command assigns them
to the new registry. Make sure that no other registry uses them.")]
pub(crate) struct Adopt {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `healthcheck`
#[derive(Debug, Args)]
#[command(after_help = "\
/ready answers 503 while the server starts or stops, and if it cannot use its database in
the current state. While the database or the archive storage is unavailable for a
time it answers 200, because cached data is still served.")]
pub(crate) struct Healthcheck {
    /// URL to request [default: /ready of this machine, with HOST and PORT]
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `config`
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Report everything that is wrong with the configuration
    Check(ConfigArgs),
    /// Print the settings in force and where they come from, secrets masked
    Show(ConfigArgs),
    /// Print every setting, what it is, what is allowed and its default, as Markdown
    Reference,
}

/// `config check` and `config show`
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<true>,
}
