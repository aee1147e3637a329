//! `version` and its arguments.

use aam_registry_core::types::{ModerationCategory, PackageName, Username, Version};
use clap::{Args, Subcommand};

use crate::config::Flags;

/// `version`
#[derive(Debug, Args)]
#[command(after_help = "\
These do what a moderator does by the API, for when nobody can reach it or log in: they need
the database alone, and every replica follows within a second. The moderator named by --by has to
have the role `moderator` or `admin`; the audit log records the name.

Examples:
  aam-registry version quarantine greet-kit@1.1.0 --by ada --category malware --reason 'sends keys away'
  aam-registry version release greet-kit@1.1.0 --by ada
  aam-registry version remove greet-kit@1.1.0 --by ada")]
pub(crate) struct VersionCommand {
    #[command(subcommand)]
    pub(crate) action: VersionAction,
}

/// What to do with a version.
#[derive(Debug, Subcommand)]
pub(crate) enum VersionAction {
    /// Put a version into quarantine: nobody installs it any more, and those who have it are told
    Quarantine(QuarantineVersion),
    /// Let a version out of quarantine; its dist-tags, apart from `latest`, have to be set again
    Release(ModeratedVersion),
    /// Remove a version for good that is in quarantine: its number is never used again
    Remove(ModeratedVersion),
}

/// `version quarantine`
#[derive(Debug, Args)]
pub(crate) struct QuarantineVersion {
    /// Why, in one word: malware, secret, abuse, legal or other
    #[arg(long, value_name = "CATEGORY", value_parser = category)]
    pub(crate) category: ModerationCategory,
    /// Why; shown to everybody who may have the version
    #[arg(long)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) of: ModeratedVersion,
}

/// `version release` and `version remove`
#[derive(Debug, Args)]
pub(crate) struct ModeratedVersion {
    /// The package and the version
    #[arg(value_name = "PACKAGE@VERSION", value_parser = package_and_version)]
    pub(crate) version: (PackageName, Version),
    /// Username of the moderator who decides this
    #[arg(long, value_name = "USERNAME")]
    pub(crate) by: Username,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

fn category(text: &str) -> Result<ModerationCategory, String> {
    let known = || ModerationCategory::ALL.map(ModerationCategory::as_str).join(", ");
    ModerationCategory::parse(text).ok_or_else(|| format!("the categories are: {}", known()))
}

/// `name@version`; a name may begin with `@`.
fn package_and_version(text: &str) -> Result<(PackageName, Version), String> {
    let (name, version) = text
        .rsplit_once('@')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("say which version: a name and a version such as greet-kit@1.1.0")?;
    Ok((name.parse().map_err(|error| format!("{error}"))?, version.parse().map_err(|error| format!("{error}"))?))
}
