//! `aam pkg validate`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::inspected::inspected;
use crate::{
    failure::{Failure, Kind, Result},
    session::Session,
};

/// Check a package, as the registry will
#[derive(Debug, Args)]
#[command(
    long_about = "Check a package, a folder or an archive, by the registry's own rules and limits; everything that is wrong \
    is listed at once, with its file, line and mend. What keeps tools from loading a skill is an error; what they read \
    all the same, or what only breaks the Agent Skills specification, is a warning.\n\n  aam pkg validate\n  aam pkg validate my-skills-0.1.0.aam --json"
)]
pub(crate) struct Validate {
    /// The package's folder or archive; the current folder where not given
    path: Option<PathBuf>,
}

impl Validate {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let path = self.path.unwrap_or_else(|| session.folder.clone());
        if !path.exists() {
            return Err(Failure::new(Kind::NotFound, "no_package", format!("{} does not exist", path.display())));
        }
        let (packed, warnings) = inspected(session, &path).await?;
        let (name, version) = (&packed.judged.manifest.name, &packed.judged.manifest.version);
        let value = json!({
            "valid": true,
            "name": name.as_str(),
            "version": version.to_string(),
            "warnings": warnings,
        });
        session.out.done(&value, || vec![format!("{name} {version} is valid")])
    }
}
