//! `aam owner`

use aam_registry_core::types::{PackageName, Username};
use clap::Subcommand;
use serde_json::json;

use crate::{failure::Result, output::plain, session::Session};

/// Add, remove and list the owners of a package
#[derive(Debug, Subcommand)]
#[command(long_about = "Add, remove and list the owners of a package. In a scope, see also `aam scope`.\n\n  \
    aam owner add greet-kit bob\n  \
    aam owner rm greet-kit bob\n  \
    aam owner ls greet-kit")]
pub(crate) enum Owner {
    /// Make somebody an owner
    Add {
        /// The package
        package: PackageName,
        /// Their username
        user: Username,
    },
    /// Take the package from one of its owners
    #[command(alias = "remove")]
    Rm {
        /// The package
        package: PackageName,
        /// Their username
        user: Username,
    },
    /// List the owners
    #[command(alias = "list")]
    Ls {
        /// The package
        package: PackageName,
    },
}

impl Owner {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        match self {
            Self::Add { package, user } => {
                session.authenticated(&registry)?.add_owner(&package, &user).await?;
                let value = json!({"package": package.as_str(), "added": user.as_str()});
                session.out.done(&value, || vec![format!("{user} is now an owner of {package}")])
            }
            Self::Rm { package, user } => {
                session.authenticated(&registry)?.remove_owner(&package, &user).await?;
                let value = json!({"package": package.as_str(), "removed": user.as_str()});
                session.out.done(&value, || vec![format!("{user} is no longer an owner of {package}")])
            }
            Self::Ls { package } => {
                let answer = session.client(&registry)?.owners(&package).await?;
                session.out.result(&answer, || answer.read.owners.iter().map(|owner| plain(owner)).collect())
            }
        }
    }
}
