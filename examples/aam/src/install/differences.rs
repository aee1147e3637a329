//! What is installed and is not what the lock file names.

use std::collections::BTreeSet;

use aam_registry_core::types::PackageName;

use super::packages::Packages;
use crate::{
    deploy::{self, Difference, Roots},
    failure::{Failure, Result},
    project::{LockFile, Project, StateFile},
    session::Session,
};

/// The files of the packages of `lock` that lie in the project or where tools look for them and are not what their
/// archives hold. Nothing is written.
///
/// A package that lies there as it was unpacked on this machine is at hand; every other one is fetched, and has the
/// digest of the lock file. Those of `withheld` are not fetched, since their registry gives them to nobody.
pub(crate) async fn differences(
    session: &Session,
    project: &Project,
    lock: &LockFile,
    withheld: &BTreeSet<PackageName>,
) -> Result<Vec<Difference>> {
    let file = StateFile::of(&session.home, project)?;
    let state = file.read()?;
    let roots = Roots::new(project.folder().again());
    let workshop = tempfile::Builder::new()
        .prefix("aam-")
        .tempdir()
        .map_err(|error| Failure::io("make a folder in", &std::env::temp_dir(), &error))?;
    let mut packages = Packages::default();
    packages.take_unpacked(project, &state, &file.unpacked_elsewhere()?, lock);
    let mut to_fetch = lock.clone();
    to_fetch.packages.retain(|name, _| !withheld.contains(&name.0));
    packages.fetch(session, &to_fetch, workshop.path()).await?;

    let mut differences = packages.differences_of_unpacked(project, &state, lock);
    let known = packages.of(lock);
    differences.extend(if known.len() == lock.packages.len() {
        deploy::deployed_differences(
            &roots,
            &state.deployed,
            &deploy::plan(&known, project.scope(), &roots, &state.deployed)?,
        )?
    } else {
        deploy::recorded_differences(&roots, &state.deployed)?
    });
    Ok(differences)
}
