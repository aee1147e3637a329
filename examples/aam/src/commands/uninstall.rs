//! `aam uninstall`

use aam_registry_core::types::PackageName;
use clap::Args;
use serde_json::json;

use super::install::{forced, installed, project, told};
use crate::{
    deploy::Policy,
    failure::Result,
    install::{Change, change, take_back_interrupted},
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
        let finished = take_back_interrupted(session, &project).await?;
        let before = LockFile::read(&project, session.out)?.unwrap_or_default();
        let is_gone = |name: &PackageName| finished.contains(name) && before.get(name).is_none();
        let names: Vec<_> = self.packages.iter().filter(|name| !is_gone(name)).cloned().collect();
        if names.is_empty() {
            let gone: Vec<_> = self.packages.iter().map(PackageName::as_str).collect();
            return session.out.done(&json!({"finished": gone}), || vec![format!("Removed {}", gone.join(", "))]);
        }
        installed(&before, &names)?;
        let mut after = before.clone();
        for name in &names {
            if let Some(package) = after.packages.get_mut(&Text(name.clone())) {
                package.requested = None;
            }
        }
        after.settle();
        let policy = if self.force { forced(&self.packages, &before, &after) } else { Policy::Keep };
        let change_to = Change { before: &before, after: &after, policy, afresh: false, strict: false, exact: false };
        let mut report = change(session, &project, &change_to).await?;
        for name in self.packages.iter().filter(|name| after.get(name).is_some()) {
            let users: Vec<_> = after.dependents(name).into_iter().map(ToString::to_string).collect();
            report.warnings.push(format!("{name} stays: {} needs it", users.join(", ")));
        }
        told(session, &report, "Nothing was removed")
    }
}
