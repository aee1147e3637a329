//! `aam uninstall`

use aam_registry_core::types::PackageName;
use clap::Args;

use super::install::{installed, project, told};
use crate::{
    deploy::Policy,
    failure::Result,
    install::{Change, change, finish_unfinished},
    project::LockFile,
    session::Session,
    text::Text,
};

/// Remove packages from a project
#[derive(Debug, Args)]
#[command(long_about = "Remove packages from the project: exactly what install wrote for them, and the packages that \
    only they needed. Files you changed are kept.\n\n  \
    aam uninstall @my_org/style-guide\n  \
    aam uninstall greet-kit --force")]
pub(crate) struct Uninstall {
    /// The packages
    #[arg(required = true, value_name = "PACKAGE")]
    packages: Vec<PackageName>,
    /// Remove installed files that you changed, too
    #[arg(long)]
    force: bool,
    /// What is installed for yourself, instead of this project
    #[arg(long, short)]
    global: bool,
    /// Take packages from every registry that .aam/aam-lock.yaml names, also from one you do not use
    #[arg(long, short)]
    yes: bool,
}

impl Uninstall {
    pub(crate) async fn run(self, session: Session) -> Result<()> {
        let session = &session.trusting_lock(self.yes);
        let project = project(session, self.global)?;
        let _guard = project.guard()?;
        finish_unfinished(session, &project).await?;
        let before = LockFile::read(&project, session.out)?.unwrap_or_default();
        installed(&before, &self.packages)?;
        let mut after = before.clone();
        for name in &self.packages {
            if let Some(package) = after.packages.get_mut(&Text(name.clone())) {
                package.requested = None;
            }
        }
        after.settle();
        let policy = if self.force { Policy::Force } else { Policy::Keep };
        let change_to = Change { before: &before, after: &after, policy, afresh: false, strict: false };
        let mut report = change(session, &project, &change_to).await?;
        for name in self.packages.iter().filter(|name| after.get(name).is_some()) {
            let users: Vec<_> = after.dependents(name).into_iter().map(ToString::to_string).collect();
            report.warnings.push(format!("{name} stays: {} needs it", users.join(", ")));
        }
        told(session, &report, "Nothing was removed")
    }
}
