//! The packages of a lock file, each known to be what its archive holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    rc::Rc,
    sync::{Arc, Mutex},
};

use aam_registry_core::types::{PackageName, Sha256Digest};

use super::fetch::{self, Budget, Job};
use crate::{
    api::Client,
    confined::{Entry, Mode},
    deploy::{self, Deployable, Difference, DifferenceKind, Package},
    failure::{Failure, Kind, Result},
    interrupt,
    project::{LockFile, LockedPackage, Project, State, Unpacked},
    session::Session,
    text::Text,
};

/// Packages at hand, by the digest of their archive.
#[derive(Debug, Default)]
pub(super) struct Packages {
    all: BTreeMap<Sha256Digest, Rc<Package>>,
    /// Those that lie unpacked in the project.
    in_place: BTreeMap<Text<PackageName>, Unpacked>,
    /// What may still be fetched.
    budget: Option<Arc<Mutex<Budget>>>,
    /// Those that were fetched just now.
    fetched: BTreeSet<Sha256Digest>,
    /// Those of them that are in quarantine.
    quarantined: BTreeSet<Sha256Digest>,
    /// What their users should know.
    pub(super) warnings: Vec<String>,
}

impl Packages {
    /// Takes the packages of `lock` that are unpacked in the project and still
    /// are what they were: what lies there may have come with the repository.
    /// What was unpacked `elsewhere` tells what they were in a project that was
    /// moved or copied.
    pub(super) fn take_unpacked(
        &mut self,
        project: &Project,
        state: &State,
        elsewhere: &[(Text<PackageName>, Unpacked)],
        lock: &LockFile,
    ) {
        for (name, locked) in &lock.packages {
            if self.all.contains_key(&*locked.sha256) {
                continue;
            }
            let elsewhere = elsewhere.iter().filter(|(other, _)| other == name).map(|(_, unpacked)| unpacked);
            let mut recorded = state.unpacked.get(name).into_iter().chain(elsewhere);
            // What cannot be read is fetched again, like what was changed.
            let Ok(Some(folder)) = project.folder().folder(&project.package(name)) else { continue };
            let Ok(package) = Package::open(folder) else { continue };
            let tree = Text(package.tree());
            let is_known = recorded.any(|known| known.sha256 == locked.sha256 && known.tree == tree);
            if is_known && package.manifest.name == **name {
                self.all.insert(*locked.sha256, Rc::new(package));
                self.in_place.insert(name.clone(), Unpacked { sha256: locked.sha256, tree });
            }
        }
    }

    /// Puts on record what was found unpacked in the project and is not on record yet.
    pub(super) fn note_unpacked(&self, state: &mut State) {
        for (name, unpacked) in &self.in_place {
            state.unpacked.insert(name.clone(), *unpacked);
        }
    }

    /// Removes the files of the package `name`, `locked` before, that is not on
    /// record as unpacked here; says what is left where it lay.
    pub(super) fn remove_unrecorded(
        &self,
        project: &Project,
        name: &PackageName,
        locked: &LockedPackage,
    ) -> Result<Option<String>> {
        let folder = project.package(name);
        let why = match self.all.get(&*locked.sha256) {
            Some(package) => {
                remove_same(project, &folder, package)?;
                "it holds what is not the package's"
            }
            None => "it cannot be told whose it is without the package",
        };
        if project.folder().look(&folder)? == Entry::Nothing {
            return Ok(None);
        }
        Ok(Some(format!("{folder}: {why}")))
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
                None => session.client_of_lock(&package.registry)?,
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
        let budget = || Arc::new(Mutex::new(Budget::new(*session.patience.ceilings())));
        let budget = self.budget.get_or_insert_with(budget);
        for fetched in fetch::fetch(session, jobs, &into, budget).await? {
            let Some(locked) = lock.get(&fetched.name) else { continue };
            self.fetched.insert(*locked.sha256);
            if fetched.is_quarantined {
                self.quarantined.insert(*locked.sha256);
            }
            self.all.insert(*locked.sha256, Rc::new(fetched.package));
            self.warnings.extend(fetched.warnings);
        }
        Ok(())
    }

    /// Compares what lies unpacked in the project with the packages that are at hand and are not known to lie there.
    /// One that is on record and not there is missing whole.
    pub(super) fn differences_of_unpacked(&self, project: &Project, state: &State, lock: &LockFile) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (name, locked) in lock.packages.iter().filter(|(name, _)| !self.in_place.contains_key(*name)) {
            let Some(package) = self.all.get(&*locked.sha256) else { continue };
            let shown = project.package(name);
            match project.folder().folder(&shown) {
                Ok(Some(folder)) => differences.extend(deploy::unpacked_differences(package, &folder, &shown)),
                Ok(None) if state.unpacked.contains_key(name) => {
                    differences.push(Difference {
                        package: name.0.clone(),
                        path: shown,
                        kind: DifferenceKind::Missing,
                    });
                }
                Ok(None) => {}
                // A link leads elsewhere.
                Err(_) => {
                    differences.push(Difference {
                        package: name.0.clone(),
                        path: shown,
                        kind: DifferenceKind::Changed,
                    });
                }
            }
        }
        differences
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

    /// Fails where a version of `lock` that is in quarantine would come in, which `state` does not have yet.
    pub(super) fn refuse_quarantined(&self, state: &State, lock: &LockFile) -> Result<()> {
        let is_new = |name, locked: &LockedPackage| {
            state.unpacked.get(name).is_none_or(|unpacked| unpacked.sha256 != locked.sha256)
        };
        let found = lock
            .packages
            .iter()
            .find(|(name, locked)| self.quarantined.contains(&*locked.sha256) && is_new(name, locked));
        let Some((name, locked)) = found else { return Ok(()) };
        let message = format!("{name} {} is in quarantine; nothing was installed", *locked.version);
        Err(Failure::new(Kind::Unsafe, "quarantined", message).hint(format!(
            "see why with `aam info {name}@{}`; to install it all the same, where it can do no harm, add --force",
            *locked.version
        )))
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
                interrupt::check()?;
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
