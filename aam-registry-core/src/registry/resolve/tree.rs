use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::task;

use super::{
    conflict::conflict,
    one::highest_match,
    solver::{BUDGET, Universe, Unsolved, solve},
};
use crate::{
    error::{Detail, Error, Result},
    registry::Registry,
    types::{Constraint, PackageName, Selector, VersionSummary},
};

/// How many packages one resolution may look up.
const MAX_PACKAGES: usize = 512;
/// How many packages are looked up at a time.
const LOOKUPS: usize = 8;

impl Registry {
    /// Finds a version of each package wanted and of everything those need,
    /// one version a package, highest first; equal questions have equal answers.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`] and
    /// [`Error::TagNotFound`] for what was asked itself;
    /// [`Error::ResolutionConflict`] where not everybody can be satisfied.
    pub async fn resolve_tree(
        &self,
        wanted: &BTreeMap<PackageName, Selector>,
    ) -> Result<BTreeMap<PackageName, VersionSummary>> {
        if wanted.len() > MAX_PACKAGES {
            return Err(Error::invalid_request(format!("At most {MAX_PACKAGES} packages can be resolved at once")));
        }
        let mut universe = Universe::new();
        let mut roots = BTreeMap::new();
        for (name, selector) in wanted {
            let (versions, constraint) = self.root(name, selector).await?;
            universe.insert(name.clone(), Some(highest_first(versions)));
            roots.insert(name.clone(), constraint);
        }
        let mut steps = BUDGET;
        loop {
            let search = task::spawn_blocking(move || {
                let solved = solve(&roots, &universe, &mut steps);
                (solved, roots, universe, steps)
            });
            let solved;
            (solved, roots, universe, steps) = search.await.map_err(Error::internal)?;
            match solved {
                Ok(solution) => return Ok(solution),
                Err(Unsolved::Needs(names)) => self.look_up(&mut universe, names).await?,
                Err(Unsolved::Conflict(clash)) => return Err(conflict(&clash, &universe)),
                Err(Unsolved::OutOfSteps(clash)) => {
                    let details = clash.map(|clash| conflict(&clash, &universe).details());
                    return Err(gave_up("would take too long", details.unwrap_or_default()));
                }
            }
        }
    }

    /// The versions of a package wanted, and what is accepted of them.
    async fn root(&self, name: &PackageName, selector: &Selector) -> Result<(Vec<VersionSummary>, Constraint)> {
        match selector {
            Selector::Constraint(constraint) => {
                highest_match(name, &self.version_numbers(name).await?, constraint)?;
                Ok((self.versions(name).await?, constraint.clone()))
            }
            Selector::Tag(tag) => {
                let version = self.tagged(name, tag).await?;
                Ok((self.versions(name).await?, Constraint::exactly(&version)))
            }
        }
    }

    async fn look_up(&self, universe: &mut Universe, names: BTreeSet<PackageName>) -> Result<()> {
        if universe.len() + names.len() > MAX_PACKAGES {
            return Err(gave_up(&format!("needs more than {MAX_PACKAGES} packages"), Vec::new()));
        }
        let found = stream::iter(names).map(async |name| {
            let versions = self.inner().packages.versions(&name).await?;
            Ok::<_, Error>((name, versions.map(highest_first)))
        });
        let found: Vec<_> = found.buffer_unordered(LOOKUPS).try_collect().await?;
        universe.extend(found);
        Ok(())
    }
}

fn highest_first(mut versions: Vec<VersionSummary>) -> Vec<VersionSummary> {
    versions.sort_by(|a, b| Reverse(&a.version).cmp(&Reverse(&b.version)));
    versions
}

fn gave_up(why: &str, details: Vec<Detail>) -> Error {
    Error::ResolutionConflict {
        message: format!("Resolving this {why}; ask for fewer packages at once or for exact versions"),
        details,
    }
}
