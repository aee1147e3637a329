//! The packages of a lock file, each known to be what its archive holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    rc::Rc,
};

use aam_registry_core::types::{PackageName, Sha256Digest};

use super::fetch::{self, Job};
use crate::{
    api::Client,
    confined::Mode,
    deploy::{Deployable, Package},
    failure::{Failure, Result},
    project::{LockFile, LockedPackage, Project, State, Unpacked},
    session::Session,
    text::Text,
};

/// Packages at hand, by the digest of their archive.
#[derive(Debug, Default)]
pub(super) struct Packages {
    all: BTreeMap<Sha256Digest, Rc<Package>>,
    /// Those that were fetched just now.
    fetched: BTreeSet<Sha256Digest>,
    /// What their users should know.
    pub(super) warnings: Vec<String>,
}

impl Packages {
    /// Takes the packages of `lock` that are unpacked in the project and still
    /// are what they were: what lies there may have come with the repository.
    pub(super) fn take_unpacked(&mut self, project: &Project, state: &State, lock: &LockFile) {
        for (name, locked) in &lock.packages {
            let recorded = state.unpacked.get(name).filter(|unpacked| unpacked.sha256 == locked.sha256);
            let Some(recorded) = recorded.filter(|_| !self.all.contains_key(&*locked.sha256)) else { continue };
            // What cannot be read is fetched again, like what was changed.
            let Ok(Some(folder)) = project.folder().folder(&project.package(name)) else { continue };
            let Ok(package) = Package::open(folder) else { continue };
            if package.tree() == *recorded.tree && package.manifest.name == **name {
                self.all.insert(*locked.sha256, Rc::new(package));
            }
        }
    }

    /// Fetches the packages of `lock` that are not at hand.
    pub(super) async fn fetch(&mut self, session: &Session, lock: &LockFile, workshop: &Path) -> Result<()> {
        let mut clients: BTreeMap<&str, Client> = BTreeMap::new();
        let mut jobs = Vec::new();
        for (Text(name), package) in &lock.packages {
            if self.all.contains_key(&*package.sha256) {
                continue;
            }
            let client = match clients.get(package.registry.as_str()) {
                Some(client) => client.clone(),
                None => session.client(&session.at(package.registry.0.clone()))?,
            };
            clients.insert(package.registry.as_str(), client.clone());
            jobs.push(Job { name, package, client });
        }
        if jobs.is_empty() {
            return Ok(());
        }
        let into = tempfile::tempdir_in(workshop).map_err(|error| Failure::io("make a folder in", workshop, &error))?;
        // The workshop goes with all that is in it.
        let into = into.keep();
        for fetched in fetch::fetch(session, jobs, &into).await? {
            let Some(locked) = lock.get(&fetched.name) else { continue };
            self.fetched.insert(*locked.sha256);
            self.all.insert(*locked.sha256, Rc::new(fetched.package));
            self.warnings.extend(fetched.warnings);
        }
        Ok(())
    }

    /// The packages of `lock` that are at hand, with their platforms.
    pub(super) fn of(&self, lock: &LockFile) -> Vec<Deployable> {
        let deployable = |(name, locked): (&Text<PackageName>, &LockedPackage)| {
            let package = self.all.get(&*locked.sha256).filter(|package| package.manifest.name == **name)?;
            let platforms = locked.platforms.iter().map(|platform| platform.0).collect();
            Some(Deployable { package: Rc::clone(package), platforms })
        };
        lock.packages.iter().filter_map(deployable).collect()
    }

    /// Puts what was fetched for `lock` into the project.
    pub(super) fn unpack(&self, project: &Project, state: &mut State, lock: &LockFile) -> Result<()> {
        for (name, locked) in &lock.packages {
            let Some(package) = self.all.get(&*locked.sha256) else { continue };
            if !self.fetched.contains(&*locked.sha256) {
                continue;
            }
            let to = project.package(name);
            project.folder().remove_all(&to)?;
            let folder = project.folder().make(&to)?;
            for (path, executable) in package.paths() {
                let mode = if executable { Mode::Executable } else { Mode::Plain };
                let bytes = crate::deploy::read(package, path)?;
                folder.write_new(path, &bytes, mode)?;
            }
            let unpacked = Unpacked { sha256: locked.sha256, tree: Text(package.tree()) };
            state.unpacked.insert(name.clone(), unpacked);
            if let Some(earlier) = project.earlier_package(name) {
                remove_same(project, &earlier, package)?;
            }
        }
        Ok(())
    }
}

/// Removes what an earlier aam unpacked at `folder`: the files that are those
/// of `package`, whose folder it is now no more.
fn remove_same(project: &Project, folder: &str, package: &Package) -> Result<()> {
    let Ok(Some(earlier)) = project.folder().folder(folder) else { return Ok(()) };
    let mut folders = BTreeSet::new();
    for (path, _) in package.paths() {
        if earlier.read(path).is_ok_and(|found| found.is_some() && found == crate::deploy::read(package, path).ok()) {
            earlier.remove_file(path)?;
            folders.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
        }
    }
    for below in folders.iter().rev() {
        earlier.remove_empty(below);
    }
    project.folder().remove_empty(folder);
    Ok(())
}
