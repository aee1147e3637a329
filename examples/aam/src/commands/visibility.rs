//! `aam visibility`

use aam_registry_core::types::{PackageName, Visibility as Seen};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::{failure::Result, output::plain, session::Session};

/// Make a package private or public, or show which it is
#[derive(Debug, Args)]
#[command(
    long_about = "Make a package private or public, or show which it is.\n\nA private package is shown to the members of \
    its scope, to its owners and to administrators; for everybody else it does not exist. Only a package in a scope can \
    be private. To publish one that is private from the start, write `private: true` into its aam.yaml.\n\n  \
    aam visibility @my_org/style-guide\n  \
    aam visibility @my_org/style-guide private"
)]
pub(crate) struct Visibility {
    /// The package
    package: PackageName,
    /// What to make it
    #[arg(value_enum)]
    visibility: Option<Choice>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Choice {
    Public,
    Private,
}

impl From<Choice> for Seen {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Public => Self::Public,
            Choice::Private => Self::Private,
        }
    }
}

impl Visibility {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let Some(visibility) = self.visibility.map(Seen::from) else {
            let package = session.client(&registry)?.visibility(&self.package).await?;
            return session.out.result(&package, || {
                vec![plain(package.get("visibility").and_then(Value::as_str).unwrap_or_default())]
            });
        };
        session.authenticated(&registry)?.set_visibility(&self.package, visibility).await?;
        let (package, now) = (&self.package, visibility.as_str());
        let value = json!({"package": package.as_str(), "visibility": now});
        session.out.done(&value, || vec![format!("{package} is {now} now")])
    }
}
