//! `aam pkg validate`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{
    failure::{Failure, Kind, Result},
    package::inspect,
    session::Session,
};

/// Check a package, as the registry will
#[derive(Debug, Args)]
#[command(
    long_about = "Check a package, a folder or an archive, by the registry's own rules; everything that is wrong \
    is listed at once.\n\n  aam pkg validate\n  aam pkg validate my-skills-0.1.0.aam --json"
)]
pub(crate) struct Validate {
    /// The package's folder or archive; the current folder where not given
    path: Option<PathBuf>,
}

impl Validate {
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let path = self.path.unwrap_or_else(|| session.folder.clone());
        if !path.exists() {
            return Err(Failure::new(Kind::NotFound, "no_package", format!("{} does not exist", path.display())));
        }
        let findings = inspect(&path);
        for warning in &findings.warnings {
            session.out.warn(&format!("{}: {}", warning.field, warning.error));
        }
        let (packed, warnings) = findings.into_result()?;
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
