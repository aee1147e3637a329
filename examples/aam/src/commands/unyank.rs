//! `aam unyank`

use clap::Args;
use serde_json::json;

use crate::{failure::Result, session::Session, spec::VersionSpec};

/// Take a yank back
#[derive(Debug, Args)]
#[command(
    long_about = "Take a yank back. Dist-tags that the yank removed stay removed.\n\n  aam unyank greet-kit@1.1.0"
)]
pub(crate) struct Unyank {
    /// The package and the version
    #[arg(value_name = "PACKAGE@VERSION")]
    version: VersionSpec,
}

impl Unyank {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let VersionSpec { name, version } = &self.version;
        session.authenticated(&session.registry()?)?.unyank(name, version).await?;
        let value = json!({"name": name.as_str(), "version": version.to_string(), "yanked": false});
        session.out.done(&value, || vec![format!("{name} {version} is no longer yanked")])
    }
}
