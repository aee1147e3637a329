//! `aam deprecate`

use clap::Args;
use serde_json::json;

use crate::{failure::Result, session::Session, spec::VersionSpec};

/// Warn those who install a version
#[derive(Debug, Args)]
#[command(long_about = "Warn those who install a version; it stays as usable as before.\n\n  \
    aam deprecate greet-kit@1.0.0 'use 1.1'\n  \
    aam deprecate greet-kit@1.0.0 --undo")]
pub(crate) struct Deprecate {
    /// The package and the version
    #[arg(value_name = "PACKAGE@VERSION")]
    version: VersionSpec,
    /// What to tell them
    #[arg(required_unless_present = "undo")]
    message: Option<String>,
    /// Take the warning back
    #[arg(long, conflicts_with = "message")]
    undo: bool,
}

impl Deprecate {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let VersionSpec { name, version } = &self.version;
        let client = session.authenticated(&session.registry()?)?;
        client.set_text(name, version, "deprecation", self.message.as_deref()).await?;
        let value = json!({"name": name.as_str(), "version": version.to_string(), "deprecated": self.message});
        session.out.done(&value, || match &self.message {
            Some(message) => vec![format!("{name} {version} is deprecated: {message}")],
            None => vec![format!("{name} {version} is no longer deprecated")],
        })
    }
}
