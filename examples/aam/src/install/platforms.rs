//! For which platforms to install.

use std::collections::BTreeSet;

use crate::{
    deploy::{Platform, Scope},
    failure::Result,
    project::{LockFile, Project},
    session::Session,
};

/// What the command line says, else what the project (or the user's folder)
/// shows signs of, else what the last install used, else the configured
/// default, else what every tool reads. Says which, and why.
pub(crate) fn choose(
    session: &Session,
    project: &Project,
    lock: &LockFile,
    asked: &[Platform],
) -> Result<BTreeSet<Platform>> {
    let (found, why) = chosen(session, project, lock, asked)?;
    let names: Vec<_> = found.iter().map(|platform| platform.as_str()).collect();
    let how = if asked.is_empty() { "; choose with --platform" } else { "" };
    session.out.note(&format!("Installing for {} ({why}{how})", names.join(", ")));
    Ok(found)
}

fn chosen(
    session: &Session,
    project: &Project,
    lock: &LockFile,
    asked: &[Platform],
) -> Result<(BTreeSet<Platform>, String)> {
    if !asked.is_empty() {
        return Ok((asked.iter().copied().collect(), "as --platform says".to_owned()));
    }
    let signs = match project.scope() {
        Scope::Project => Platform::detect(project.folder()),
        Scope::User => Platform::detect_of_user(),
    };
    if !signs.is_empty() {
        let seen: Vec<_> = signs.iter().map(|(_, sign)| &**sign).collect();
        let whose = if project.scope() == Scope::Project { "this project has" } else { "you have" };
        let why = format!("{whose} {}", seen.join(", "));
        return Ok((signs.into_iter().map(|(platform, _)| platform).collect(), why));
    }
    let installed = lock.platforms();
    if !installed.is_empty() {
        return Ok((installed, "as the packages installed here".to_owned()));
    }
    Ok(match &session.config.default_platform {
        Some(platform) => ([platform.parse()?].into(), "the default platform of config.yaml".to_owned()),
        None => ([Platform::Agents].into(), "nothing here says otherwise".to_owned()),
    })
}
