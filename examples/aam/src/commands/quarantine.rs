//! `aam quarantine`, `aam release`

use clap::{Args, ValueEnum};

use super::approve::warn_of;
use crate::{failure::Result, session::Session, spec::VersionSpec};

/// Put a version into quarantine, or remove it for good
#[derive(Debug, Args)]
#[command(
    long_about = "Put a version into quarantine: nobody sees or installs it any more but its owners, who see that it is \
    there, and moderators. Those who have it learn of it by `aam audit`. `--remove` removes a version that is in \
    quarantine for good: its bytes are deleted, and its number is never used again. For moderators.\n\n  \
    aam quarantine greet-kit@1.1.0 --category malware --reason 'sends environment variables away'\n  \
    aam quarantine greet-kit@1.1.0 --remove\n  \
    aam release greet-kit@1.1.0"
)]
pub(crate) struct Quarantine {
    /// The package and the version
    #[arg(value_name = "PACKAGE@VERSION")]
    version: VersionSpec,
    /// Why, in one word
    #[arg(long, value_enum, required_unless_present = "remove")]
    category: Option<Category>,
    /// Why; shown to everybody who may have it
    #[arg(long, required_unless_present = "remove")]
    reason: Option<String>,
    /// Remove it for good; it has to be in quarantine
    #[arg(long, conflicts_with_all = ["category", "reason"])]
    remove: bool,
}

/// Let a version out of quarantine
#[derive(Debug, Args)]
#[command(
    long_about = "Let a version out of quarantine. Dist-tags that named it before, apart from `latest`, have to be \
    set again. For moderators.\n\n  \
    aam release greet-kit@1.1.0"
)]
pub(crate) struct Release {
    /// The package and the version
    #[arg(value_name = "PACKAGE@VERSION")]
    version: VersionSpec,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Category {
    Malware,
    Secret,
    Abuse,
    Legal,
    Other,
}

impl Category {
    fn as_str(self) -> &'static str {
        match self {
            Self::Malware => "malware",
            Self::Secret => "secret",
            Self::Abuse => "abuse",
            Self::Legal => "legal",
            Self::Other => "other",
        }
    }
}

impl Quarantine {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let VersionSpec { name, version } = &self.version;
        let client = session.authenticated(&session.registry()?)?;
        if self.remove {
            let answer = client.remove_version(name, version).await?;
            return session.out.done(&answer, || vec![format!("{name} {version} is removed for good")]);
        }
        let category = self.category.map_or("other", Category::as_str);
        let answer = client.quarantine(name, version, category, self.reason.as_deref().unwrap_or_default()).await?;
        session.out.done(&answer, || vec![format!("{name} {version} is in quarantine now")])
    }
}

impl Release {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let VersionSpec { name, version } = &self.version;
        let answer = session.authenticated(&session.registry()?)?.release(name, version).await?;
        warn_of(session, &answer);
        session.out.done(&answer, || vec![format!("{name} {version} is out of quarantine")])
    }
}
