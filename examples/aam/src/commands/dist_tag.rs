//! `aam dist-tag`

use aam_registry_core::types::{self, PackageName};
use clap::Subcommand;
use serde_json::json;

use crate::{failure::Result, output::table, session::Session, spec::VersionSpec};

/// Set, remove and list dist-tags
#[derive(Debug, Subcommand)]
#[command(
    long_about = "Set, remove and list dist-tags: movable names for versions, such as `latest` and `beta`.\n\n  \
    aam dist-tag add greet-kit@1.1.0 beta\n  \
    aam dist-tag rm greet-kit beta\n  \
    aam dist-tag ls greet-kit"
)]
pub(crate) enum DistTag {
    /// Point a tag at a version
    Add {
        /// The package and the version
        #[arg(value_name = "PACKAGE@VERSION")]
        version: VersionSpec,
        /// The tag
        tag: types::DistTag,
    },
    /// Remove a tag
    #[command(alias = "remove")]
    Rm {
        /// The package
        package: PackageName,
        /// The tag
        tag: types::DistTag,
    },
    /// List the tags of a package
    #[command(alias = "list")]
    Ls {
        /// The package
        package: PackageName,
    },
}

impl DistTag {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        match self {
            Self::Add { version: VersionSpec { name, version }, tag } => {
                session.authenticated(&registry)?.set_tag(&name, &tag, &version).await?;
                let value = json!({"package": name.as_str(), "tag": tag.as_str(), "version": version.to_string()});
                session.out.done(&value, || vec![format!("{name} {tag} is now {version}")])
            }
            Self::Rm { package, tag } => {
                session.authenticated(&registry)?.remove_tag(&package, &tag).await?;
                let value = json!({"package": package.as_str(), "removed": tag.as_str()});
                session.out.done(&value, || vec![format!("{package} has no tag {tag} any more")])
            }
            Self::Ls { package } => {
                let answer = session.client(&registry)?.tags(&package).await?;
                session.out.result(&answer, || {
                    let row = |(tag, version): (&String, &String)| vec![tag.clone(), version.clone()];
                    table(&answer.read.tags.iter().map(row).collect::<Vec<_>>())
                })
            }
        }
    }
}
