//! `export` and `import`, and their arguments.

use std::path::PathBuf;

use aam_registry_core::types::{TokenPattern, Username};
use clap::Args;

use crate::config::Flags;

/// `export`
#[derive(Debug, Args)]
#[command(after_help = "\
The folder is a registry that clients use without a server, for example at
file:///srv/packages. It holds what everybody may see: no private packages, and no
yanked versions; to move a whole registry, back it up and restore it. Run the command
again to bring the folder up to date: archives that are there are kept. Each run lists
the packages that it exported in index.yaml, so give all patterns at once.

Pre-releases are spelled as Python spells them: 1.0.0-rc.1 is 1.0.0rc1.

Examples:
  aam-registry export --to /srv/packages
  aam-registry export --to /srv/packages --packages '@acme/*' --packages greet-kit")]
pub(crate) struct Export {
    /// Folder to write; created if it does not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// Only packages of this name or pattern, such as '@acme/*'; may be given more than once
    #[arg(long, value_name = "PATTERN", value_parser = TokenPattern::parse)]
    pub(crate) packages: Vec<TokenPattern>,
    /// Write nothing; only say what would be exported
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}

/// `import`
#[derive(Debug, Args)]
#[command(after_help = "\
The folder is a file registry, as `aam-registry export` or another client makes one, or
any folder with .aam files, which are looked for in the folders below it, too. All
archives of a package are checked before the first is published; if one is not valid,
nothing of that package is published, and the other packages are. Versions that are there
with the same bytes are skipped, so the command can be run again.

The packages are published in the name of --owner, with that user's rights. Scopes that
do not exist are created for that user. Versions are published oldest first, and get
the time of the import as the time of their publication.

Examples:
  aam-registry import --from ./packages --owner alice --dry-run
  aam-registry import --from /srv/packages --owner alice")]
pub(crate) struct Import {
    /// Folder to read
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// Username of the account that publishes the packages and owns the new ones
    #[arg(long, value_name = "USERNAME")]
    pub(crate) owner: Username,
    /// Only packages of this name or pattern, such as '@acme/*'; may be given more than once
    #[arg(long, value_name = "PATTERN", value_parser = TokenPattern::parse)]
    pub(crate) packages: Vec<TokenPattern>,
    /// Publish nothing; only check, and say what would be published
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) flags: Flags<false>,
}
