//! `aam update`

use std::collections::{BTreeMap, BTreeSet};

use aam_registry_core::types::PackageName;
use clap::Args;

use super::install::{forced, installed, project, told};
use crate::{
    config::RegistryUrl,
    deploy::Policy,
    failure::{Failure, Result},
    install::{Change, Free, change, recalled, select, take_back_interrupted, told_of},
    project::LockFile,
    session::Session,
};

/// Update installed packages as far as what was asked for allows
#[derive(Debug, Args)]
#[command(
    long_about = "Update installed packages, and what they need, as far as what was asked for allows: a package \
    installed without a version follows `latest`, one installed as `name@^1.2` stays below 2.0.\n\n  \
    aam update\n  \
    aam update greet-kit"
)]
pub(crate) struct Update {
    /// Only these; everything where not given
    #[arg(value_name = "PACKAGE")]
    packages: Vec<PackageName>,
    /// Replace files that you changed, of the packages named and of those that get another version
    #[arg(long)]
    force: bool,
    /// What is installed for yourself, instead of this project
    #[arg(long, short)]
    global: bool,
    /// Take packages from every registry that .aam/aam-lock.yaml names, also from one you do not use
    #[arg(long, short)]
    yes: bool,
}

impl Update {
    pub(crate) async fn run(self, session: Session) -> Result<()> {
        let session = &session.trusting_lock(self.yes);
        let project = project(session, self.global)?;
        let _guard = project.guard()?;
        take_back_interrupted(session, &project).await?;
        let before =
            LockFile::read(&project, session.out)?.filter(|lock| !lock.packages.is_empty()).ok_or_else(|| {
                Failure::usage("Nothing is installed here").hint("install something with `aam install <PACKAGE>`")
            })?;
        installed(&before, &self.packages)?;
        let free =
            if self.packages.is_empty() { Free::All } else { Free::These(self.packages.iter().cloned().collect()) };
        let registries: BTreeSet<RegistryUrl> =
            before.packages.values().map(|package| package.registry.0.clone()).collect();
        let mut after = before.clone();
        for registry in registries {
            let client = session.client_of_lock(&registry)?;
            after = select(&client, &after, &BTreeMap::new(), &free).await?;
        }
        let policy = if self.force { forced(&self.packages, &before, &after) } else { Policy::Keep };
        let change_to = Change { before: &before, after: &after, policy, afresh: false, strict: true, exact: false };
        let mut report = change(session, &project, &change_to).await?;
        // A package that is downloaded anew has its warnings in the report already.
        for told in told_of(session, &before, &after).await? {
            if !report.warnings.contains(&told) {
                report.warnings.push(told);
            }
        }
        report.warnings.extend(recalled(session, &after).await);
        told(session, &report, "Everything is up to date")
    }
}
