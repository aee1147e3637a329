//! From one lock file to another: the project follows, wholly or not at all
//! where something of a person's is in the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use aam_registry_core::types::{Manifest, PackageName};
use serde::Serialize;

use super::fetch::{self, Fetched, Job};
use crate::{
    api::Client,
    deploy::{self, Applied, Deployable, Platform, Policy, Roots},
    failure::{Failure, Result},
    output::plain,
    project::{LockFile, Project, State},
    session::Session,
    text::Text,
};

/// A change to make.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) before: &'a LockFile,
    pub(crate) after: &'a LockFile,
    pub(crate) policy: Policy,
    /// Whether archives that are unpacked already are fetched again.
    pub(crate) afresh: bool,
    /// Whether files of a person stop the change, or are only kept.
    pub(crate) strict: bool,
}

/// What became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) installed: Vec<Moved>,
    pub(crate) removed: Vec<Moved>,
    pub(crate) warnings: Vec<String>,
    pub(crate) files: Applied,
}

/// One package that came, went or changed.
#[derive(Debug, Serialize)]
pub(crate) struct Moved {
    pub(crate) name: String,
    pub(crate) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    pub(crate) platforms: Vec<&'static str>,
}

/// Makes the change. The caller holds the project's guard.
pub(crate) async fn change(session: &Session, project: &Project, change: &Change<'_>) -> Result<Report> {
    let roots = Roots::new(project.root())?;
    let mut state = State::read(project)?;
    let workshop = project.workshop()?;
    let fetched = fetch_missing(session, project, &state, change, workshop.path()).await?;
    let folders = folders(project, change.after, &fetched);
    let unpacked = read_manifests(&folders)?;
    let plan = plan(change.after, &unpacked, &roots)?;
    if change.strict {
        deploy::check(&roots, &state.deployed, &plan, change.policy)?;
    }
    // Contents are copied out of the unpacked packages, so these come into place first.
    put_in_place(project, &mut state, change.after, &fetched)?;
    let unpacked = read_manifests(&self::folders(project, change.after, &[]))?;
    let plan = self::plan(change.after, &unpacked, &roots)?;
    deploy::announce(&roots, &mut state.deployed, &plan)?;
    state.write(project)?;
    let applied = deploy::apply(&roots, &mut state.deployed, &plan, change.policy);
    // What was written must be on record even where something went wrong half way.
    state.write(project)?;
    let applied = applied?;
    finish(project, &mut state, change.after)?;
    let warnings = fetched.iter().flat_map(|fetched| &fetched.warnings).map(|text| plain(text)).collect();
    Ok(report(change, warnings, applied))
}

async fn fetch_missing(
    session: &Session,
    project: &Project,
    state: &State,
    change: &Change<'_>,
    workshop: &Path,
) -> Result<Vec<Fetched>> {
    let mut clients: BTreeMap<&str, Client> = BTreeMap::new();
    let mut jobs = Vec::new();
    for (Text(name), package) in &change.after.packages {
        let whole = state.unpacked.get(&Text(name.clone())).is_some_and(|sha256| *sha256 == package.sha256);
        if whole && !change.afresh && project.package(name).join("aam.yaml").is_file() {
            continue;
        }
        let client = match clients.get(package.registry.as_str()) {
            Some(client) => client.clone(),
            None => session.client(&session.at(package.registry.0.clone()))?,
        };
        clients.insert(package.registry.as_str(), client.clone());
        jobs.push(Job { name, package, client });
    }
    fetch::fetch(session, jobs, workshop).await
}

/// Where every package lies unpacked now.
fn folders(project: &Project, lock: &LockFile, fetched: &[Fetched]) -> Vec<(PackageName, PathBuf)> {
    let new: BTreeMap<_, _> = fetched.iter().map(|fetched| (&fetched.name, &fetched.folder)).collect();
    let folder = |name: &PackageName| new.get(name).map_or_else(|| project.package(name), |folder| (*folder).clone());
    lock.packages.keys().map(|name| (name.0.clone(), folder(name))).collect()
}

fn read_manifests(folders: &[(PackageName, PathBuf)]) -> Result<Vec<(Manifest, PathBuf)>> {
    folders.iter().map(|(_, folder)| Ok((fetch::manifest(folder)?, folder.clone()))).collect()
}

fn plan(lock: &LockFile, unpacked: &[(Manifest, PathBuf)], roots: &Roots) -> Result<deploy::Plan> {
    let platforms: Vec<BTreeSet<Platform>> =
        lock.packages.values().map(|package| package.platforms.iter().map(|platform| platform.0).collect()).collect();
    let packages: Vec<_> = unpacked
        .iter()
        .zip(&platforms)
        .map(|((manifest, folder), platforms)| Deployable { manifest, folder, platforms })
        .collect();
    deploy::plan(&packages, roots)
}

/// Moves what was fetched to `.aam/packages`.
fn put_in_place(project: &Project, state: &mut State, lock: &LockFile, fetched: &[Fetched]) -> Result<()> {
    let packages = project.packages();
    fs::create_dir_all(&packages).map_err(|error| Failure::io("make the folder", &packages, &error))?;
    // Killed half way, a package must not be taken for one that is whole.
    for Fetched { name, .. } in fetched {
        state.unpacked.remove(&Text(name.clone()));
    }
    state.write(project)?;
    for Fetched { name, folder, .. } in fetched {
        let to = project.package(name);
        remove_folder(&to)?;
        fs::rename(folder, &to).map_err(|error| Failure::io("make the folder", &to, &error))?;
        if let Some(package) = lock.get(name) {
            state.unpacked.insert(Text(name.clone()), package.sha256);
        }
    }
    Ok(())
}

/// Removes the packages that are no more, and writes the lock file; the last
/// package takes everything of ours along.
fn finish(project: &Project, state: &mut State, lock: &LockFile) -> Result<()> {
    let gone: Vec<_> = state.unpacked.keys().filter(|name| !lock.packages.contains_key(*name)).cloned().collect();
    for name in gone {
        remove_folder(&project.package(&name))?;
        state.unpacked.remove(&name);
    }
    if !lock.packages.is_empty() {
        state.write(project)?;
        return lock.write(project);
    }
    for path in [project.lock_file(), project.state()] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Failure::io("remove", &path, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::io("remove", folder, &error)),
        _ => Ok(()),
    }
}

fn report(change: &Change<'_>, warnings: Vec<String>, files: Applied) -> Report {
    let platforms = |platforms: &BTreeSet<Text<Platform>>| platforms.iter().map(|platform| platform.as_str()).collect();
    let mut installed = Vec::new();
    for (name, package) in &change.after.packages {
        let before = change.before.packages.get(name);
        let same =
            before.is_some_and(|before| before.sha256 == package.sha256 && before.platforms == package.platforms);
        if !same || change.afresh {
            installed.push(Moved {
                name: name.to_string(),
                version: package.version.to_string(),
                from: before
                    .map(|before| before.version.to_string())
                    .filter(|from| *from != package.version.to_string()),
                platforms: platforms(&package.platforms),
            });
        }
    }
    let gone = change.before.packages.iter().filter(|(name, _)| !change.after.packages.contains_key(*name));
    let removed = gone.map(|(name, package)| Moved {
        name: name.to_string(),
        version: package.version.to_string(),
        from: None,
        platforms: platforms(&package.platforms),
    });
    Report { installed, removed: removed.collect(), warnings, files }
}
