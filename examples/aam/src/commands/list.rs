//! `aam list`

use clap::Args;
use serde_json::json;

use super::install::project;
use crate::{failure::Result, install::tell_interrupted, output::table, project::LockFile, session::Session};

/// List what is installed in a project
#[derive(Debug, Args)]
#[command(long_about = "List what is installed in the project of the current folder.\n\n  aam list\n  aam list --json")]
pub(crate) struct List {
    /// What is installed for yourself, instead of this project
    #[arg(long, short)]
    global: bool,
}

impl List {
    pub(crate) fn run(self, session: &Session) -> Result<()> {
        let project = project(session, self.global)?;
        tell_interrupted(session, &project)?;
        let lock = LockFile::read_to_show(&project, session.out)?.unwrap_or_default();
        let value: Vec<_> = lock
            .packages
            .iter()
            .map(|(name, package)| {
                json!({
                    "name": name,
                    "version": package.version,
                    "requested": package.requested,
                    "platforms": package.platforms,
                    "registry": package.registry,
                    "sha256": package.sha256,
                    "needed_by": lock.dependents(name).iter().map(ToString::to_string).collect::<Vec<_>>(),
                })
            })
            .collect();
        session.out.result(&value, || {
            if lock.packages.is_empty() {
                return vec!["Nothing is installed here".to_owned()];
            }
            let rows = lock.packages.iter().map(|(name, package)| {
                let users: Vec<_> = lock.dependents(name).iter().map(ToString::to_string).collect();
                let why = match &package.requested {
                    Some(requested) => format!("asked for: {requested}"),
                    None if users.is_empty() => "needed by nothing that is installed".to_owned(),
                    None => format!("needed by {}", users.join(", ")),
                };
                let platforms: Vec<_> = package.platforms.iter().map(|platform| platform.as_str()).collect();
                vec![name.to_string(), package.version.to_string(), platforms.join(","), why]
            });
            table(&rows.collect::<Vec<_>>())
        })
    }
}
