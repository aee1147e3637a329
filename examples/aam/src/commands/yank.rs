//! `aam yank`

use clap::Args;

use crate::{failure::Result, output::plain, session::Session, spec::VersionSpec};

/// Withdraw a version from resolution
#[derive(Debug, Args)]
#[command(long_about = "Withdraw a version: nobody gets it any more unless they ask for exactly it. It stays \
    downloadable, so that locked projects go on working, and its number is never used again.\n\n  \
    aam yank greet-kit@1.1.0 --reason 'breaks on Windows'")]
pub(crate) struct Yank {
    /// The package and the version
    #[arg(value_name = "PACKAGE@VERSION")]
    version: VersionSpec,
    /// Why; shown to those who use it
    #[arg(long)]
    reason: Option<String>,
}

impl Yank {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let VersionSpec { name, version } = &self.version;
        let client = session.authenticated(&session.registry()?)?;
        let answer = client.yank(name, version, self.reason.as_deref()).await?;
        session.out.done(&answer, || {
            let mut lines = vec![format!("Yanked {name} {version}")];
            let line =
                |(tag, to): (&String, &Option<String>)| format!("{tag} is now {}", to.as_deref().unwrap_or("gone"));
            lines.extend(answer.read.moved_tags.iter().map(|moved| format!("  {}", plain(&line(moved)))));
            lines
        })
    }
}
