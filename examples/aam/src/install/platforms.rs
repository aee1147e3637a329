//! For which platforms to install.

use std::collections::BTreeSet;

use crate::{
    deploy::Platform,
    failure::Result,
    project::{LockFile, Project},
    session::Session,
};

/// What the command line says, else what the project already has packages for,
/// else what it shows signs of, else the configured default, else Claude Code.
pub(crate) fn choose(
    session: &Session,
    project: &Project,
    lock: &LockFile,
    asked: &[Platform],
) -> Result<BTreeSet<Platform>> {
    if !asked.is_empty() {
        return Ok(asked.iter().copied().collect());
    }
    let (found, why): (BTreeSet<Platform>, _) = match lock.platforms() {
        installed if !installed.is_empty() => (installed, "as the packages installed here"),
        _ => match Platform::detect(project.root()) {
            detected if !detected.is_empty() => (detected.into_iter().collect(), "found in this project"),
            _ => match &session.config.default_platform {
                Some(platform) => ([platform.parse()?].into(), "the default platform of config.yaml"),
                None => ([Platform::Claude].into(), "nothing in this project says otherwise"),
            },
        },
    };
    let names: Vec<_> = found.iter().map(|platform| platform.as_str()).collect();
    session.out.note(&format!("Installing for {} ({why}; choose with --platform)", names.join(", ")));
    Ok(found)
}
