//! `aam pkg init`

use std::path::PathBuf;

use aam_registry_core::types::{PackageName, Version};
use clap::Args;
use serde_json::json;

use super::create::already_there;
use crate::{
    confined::Folder,
    failure::{Failure, Kind, Result},
    package::{Skeleton, is_refused_when_new, package_name, write_skeleton},
    session::Session,
};

/// Make a new package
#[derive(Debug, Args)]
#[command(long_about = "Make a new package: aam.yaml, a README and one skill, to be written before it is \
    published. Of skills, agents, prompts and rules that are there already `aam pkg create` makes one.\n\n  \
    aam pkg init                          # in this folder, called like it\n  \
    aam pkg init my-skills                # in the new folder my-skills\n  \
    aam pkg init @my_org/my-skills --skill code-review --description 'How we review code'")]
pub(crate) struct Init {
    /// The package's name; that of the folder where not given
    name: Option<PackageName>,
    /// The folder; one of the package's name where a name is given
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Its first version
    #[arg(long = "package-version", value_name = "VERSION", default_value = "0.1.0")]
    version: Version,
    /// What it is for, 1 to 256 characters
    #[arg(long)]
    description: Option<String>,
    /// Who writes it
    #[arg(long)]
    author: Option<String>,
    /// Its licence
    #[arg(long, default_value = "Apache-2.0")]
    license: String,
    /// The name of its first skill
    #[arg(long)]
    skill: Option<String>,
}

impl Init {
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let path = match (self.folder, &self.name) {
            (Some(folder), _) => session.folder.join(folder),
            (None, Some(name)) => session.folder.join(name.bare()),
            (None, None) => session.folder.clone(),
        };
        let folder = Folder::named(&path)?;
        if let Some(there) = already_there(folder.path()) {
            return Err(Failure::new(
                Kind::Conflict,
                "artifacts_found",
                format!("There are artifacts in {} already: {there}", path.display()),
            )
            .hint(
                "`aam pkg create` makes a package of them; for a new one, name a new folder: `aam pkg init my-skills`",
            ));
        }
        let name = if let Some(name) = self.name {
            name
        } else {
            let text = folder.path().file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
            package_name(&text).ok_or_else(|| {
                Failure::usage("The folder's name cannot name a package: give a name, as in `aam pkg init my-skills`")
            })?
        };
        if is_refused_when_new(&name) {
            return Err(Failure::usage(format!(
                "`{name}` holds `--`, which registries take in no new name without a scope"
            ))
            .hint("use single hyphens, or a scope as in `aam pkg init @my_org/name`"));
        }
        let mut skeleton = Skeleton::named(name);
        skeleton.version = self.version;
        skeleton.author = self.author;
        skeleton.license = Some(self.license).filter(|license| !license.is_empty());
        skeleton.description = self.description.unwrap_or(skeleton.description);
        skeleton.skill = self.skill.unwrap_or(skeleton.skill);
        if !skeleton.skill.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            return Err(Failure::usage(format!(
                "`{}` cannot name a skill: use lower-case letters, digits and hyphens",
                skeleton.skill
            )));
        }
        let written = write_skeleton(&folder, &skeleton)?;
        let value = json!({"name": skeleton.name.as_str(), "folder": path, "written": written});
        session.out.done(&value, || {
            let mut lines = vec![format!("Made {} in {}", skeleton.name, path.display())];
            lines.extend(written.iter().map(|file| format!("  {file}")));
            lines.push("Write the skill and the descriptions, here and in aam.yaml, then `aam pkg publish`".to_owned());
            lines
        })
    }
}
