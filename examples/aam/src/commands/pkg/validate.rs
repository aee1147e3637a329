//! `aam pkg validate`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{contents, inspected::inspected};
use crate::{
    failure::{Failure, Kind, Result},
    session::Session,
};

/// Check a package, as the registry will
#[derive(Debug, Args)]
#[command(
    long_about = "Check a package, a folder or an archive, by the registry's own rules and limits; everything that is wrong \
    is listed at once, with its file, line and mend. What keeps tools from loading a skill is an error; what they read \
    all the same, or what only breaks the Agent Skills specification, is a warning. A file that looks as if it held a private key or a \
    token is an error, as it is for `aam pkg publish`.\n\n  aam pkg validate\n  aam pkg validate my-skills-0.1.0.aam --json"
)]
pub(crate) struct Validate {
    /// The package's folder or archive; the current folder where not given
    path: Option<PathBuf>,
    /// Accept files that look as if they held a secret, as `aam pkg publish --allow-secrets` does
    #[arg(long)]
    allow_secrets: bool,
}

impl Validate {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let path = self.path.unwrap_or_else(|| session.folder.clone());
        if !path.exists() {
            return Err(Failure::new(Kind::NotFound, "no_package", format!("{} does not exist", path.display())));
        }
        let (packed, warnings) = inspected(session, &path).await?;
        let so = "`aam pkg publish` refuses the package";
        if let Some(refused) = contents::secrets(&packed, self.allow_secrets, so) {
            return Err(refused);
        }
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
