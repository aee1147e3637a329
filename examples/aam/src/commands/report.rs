//! `aam report`

use aam_registry_core::types::{ModerationCategory, PackageName, Selector};
use clap::Args;

use crate::{
    failure::{Failure, Result},
    session::Session,
    spec::PackageSpec,
};

/// Report a package to the moderators of the registry
#[derive(Debug, Args)]
#[command(
    long_about = "Report a package to the moderators of the registry. Its owners do not see who reported it. Where \
    the registry sends mail you hear by mail when a moderator has closed the report.\n\n  \
    aam report @my_org/style-guide@1.0.0 --category malware --text 'sends the environment to a stranger'"
)]
pub(crate) struct Report {
    /// The package, with a version if it is about one
    #[arg(value_name = "PACKAGE[@VERSION]")]
    spec: PackageSpec,
    /// What it is about: malware, secret, abuse, legal or other
    #[arg(long, value_parser = category)]
    category: ModerationCategory,
    /// What is wrong
    #[arg(long)]
    text: String,
}

fn category(text: &str) -> Result<ModerationCategory, String> {
    let known = || ModerationCategory::ALL.map(ModerationCategory::as_str).join(", ");
    ModerationCategory::parse(text).ok_or_else(|| format!("use one of {}", known()))
}

impl Report {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let PackageSpec { name, selector } = self.spec;
        let version = match selector {
            None => None,
            Some(Selector::Constraint(constraint)) if constraint.exact().is_some() => constraint.exact().cloned(),
            Some(_) => return Err(Failure::usage(format!("Name one version, as in `{name}@1.2.3`, or none"))),
        };
        let client = session.authenticated(&session.registry()?)?;
        let made = client.report(&name, version.as_ref(), self.category, &self.text).await?;
        session.out.done(&made, || vec![told(&name)])
    }
}

fn told(name: &PackageName) -> String {
    format!(
        "Reported {name} to the moderators; where the registry sends mail, you hear when they have closed the report"
    )
}
