use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::task;

use super::{
    conflict::conflict,
    one::highest_match,
    solver::{BUDGET, Budget, Cancellation, Solver, Unsolved},
};
use crate::{
    error::{Detail, Error, Result},
    registry::{
        View,
        places::{Crowded, Place},
    },
    types::{ClientNetwork, Constraint, PackageName, Selector, VersionSummary},
};

/// How many packages one resolution may look up, and so be asked for.
pub(crate) const MAX_PACKAGES: usize = 512;
/// How many packages are looked up at a time.
const LOOKUPS: usize = 4;
/// How much one resolution may read: bytes of dependencies as [`VersionBounds`](crate::types::VersionBounds) counts
/// them, and some for each version. The packages that are being looked up at the same time are not counted yet, so it
/// may have four of the largest ones more in memory.
const READ: usize = 16 << 20;
const READ_A_VERSION: usize = 128;

impl View<'_> {
    /// Chooses a version for each requested package and for everything that these need: one version per
    /// package, the highest possible. Equal requests have equal answers.
    ///
    /// Only a few trees are resolved at a time, and fewer for one client, identified by its network
    /// `from`; other requests wait for a short time. Dropping the future ends the resolution.
    ///
    /// # Errors
    /// [`Error::PackageNotFound`], [`Error::VersionNotFound`] and [`Error::TagNotFound`] for the
    /// requested packages themselves; [`Error::ResolutionConflict`] if not every demand can be met, and if
    /// finding out would take too long or read too much;
    /// [`Error::TooManyAtOnce`] and [`Error::Overloaded`] if too many resolutions are in progress.
    pub async fn resolve_tree(
        &self,
        from: Option<ClientNetwork>,
        wanted: &BTreeMap<PackageName, Selector>,
    ) -> Result<BTreeMap<PackageName, VersionSummary>> {
        require_few(wanted.len())?;
        let place = self.inner().resolving.take(from.as_ref()).await.map_err(|crowded| match crowded {
            Crowded::Own(places) => Error::TooManyAtOnce(format!(
                "Your address has {places} resolutions under way, and more that wait; resolve fewer trees at once"
            )),
            Crowded::All => Error::Overloaded,
        })?;
        let roots = stream::iter(wanted.clone()).map(async |(name, selector)| {
            let constraint = self.root(&name, &selector).await?;
            Ok::<_, Error>((name, constraint))
        });
        // In order, so that the same fault is reported if there are several.
        let roots: BTreeMap<_, _> = roots.buffered(LOOKUPS).try_collect().await?;
        let mut reading = Reading::default();
        let known = self.look_up(roots.keys().cloned().collect(), &mut reading).await?;
        if let Some((missing, _)) = known.iter().find(|(_, versions)| versions.is_none()) {
            return Err(Error::PackageNotFound(missing.clone()));
        }
        self.answer(Search::new(&roots, place), known, reading, wanted).await
    }

    /// Looks up the packages that the search asks for, until it has an answer.
    async fn answer(
        &self,
        mut search: Search,
        mut known: Looked,
        mut reading: Reading,
        wanted: &BTreeMap<PackageName, Selector>,
    ) -> Result<BTreeMap<PackageName, VersionSummary>> {
        let mut looked_up: BTreeSet<PackageName> = BTreeSet::new();
        loop {
            looked_up.extend(known.iter().map(|(name, _)| name.clone()));
            let solved;
            (solved, search) = search.go_on(known).await?;
            match solved {
                Ok(solution) => return Ok(solution),
                Err(Unsolved::Needs(names)) if looked_up.len() + names.len() > MAX_PACKAGES => {
                    return Err(gave_up(&format!("needs more than {MAX_PACKAGES} packages"), Vec::new()));
                }
                Err(Unsolved::Needs(names)) => known = self.look_up(names, &mut reading).await?,
                Err(Unsolved::Conflict(clash)) => return Err(conflict(&clash, wanted)),
                Err(Unsolved::OutOfSteps(clash)) => {
                    let details = clash.map(|clash| conflict(&clash, wanted).details());
                    return Err(gave_up("would take too long", details.unwrap_or_default()));
                }
                Err(Unsolved::Cancelled) => return Err(Error::internal("a resolution was cancelled and waited for")),
            }
        }
    }

    /// The constraint on a requested package; a fault if no version meets it. Reads no dependencies.
    async fn root(&self, name: &PackageName, selector: &Selector) -> Result<Constraint> {
        match selector {
            Selector::Constraint(constraint) => {
                highest_match(name, &self.version_numbers(name).await?, constraint)?;
                Ok(constraint.clone())
            }
            Selector::Tag(tag) => Ok(Constraint::exactly(&self.tagged(name, tag).await?)),
        }
    }

    /// Reads the versions of these packages, and stops where the resolution has read too much.
    async fn look_up(&self, names: BTreeSet<PackageName>, reading: &mut Reading) -> Result<Looked> {
        let found = stream::iter(names).map(async |name| {
            let versions = self.find(&name, |reach| self.inner().packages.versions(&name, reach)).await?;
            Ok::<_, Error>((name, versions))
        });
        let mut found = std::pin::pin!(found.buffered(LOOKUPS));
        let mut looked_up = Looked::new();
        while let Some((name, versions)) = found.try_next().await? {
            reading.count(versions.as_deref().unwrap_or_default())?;
            looked_up.push((name, versions));
        }
        Ok(looked_up)
    }
}

/// What a resolution has read so far.
#[derive(Debug, Default)]
struct Reading(usize);

impl Reading {
    fn count(&mut self, versions: &[VersionSummary]) -> Result<()> {
        self.0 += versions.iter().map(|version| READ_A_VERSION + version.dependencies_size()).sum::<usize>();
        if self.0 > READ {
            return Err(Error::ResolutionConflict {
                message:
                    "The packages that this needs have too many versions and dependencies to be read at once; ask \
                          for fewer packages at once"
                        .to_owned(),
                details: Vec::new(),
            });
        }
        Ok(())
    }
}

/// Refuses a request for more packages than one resolution may look up.
pub(crate) fn require_few(wanted: usize) -> Result<()> {
    if wanted > MAX_PACKAGES {
        return Err(Error::invalid_request(format!("At most {MAX_PACKAGES} packages can be resolved at once")));
    }
    Ok(())
}

/// Packages that were looked up, with their versions.
type Looked = Vec<(PackageName, Option<Vec<VersionSummary>>)>;
type Solved = Result<BTreeMap<PackageName, VersionSummary>, Unsolved>;

/// A search on a blocking thread, which ends when its future is dropped.
struct Search {
    solver: Solver,
    ends_when_dropped: CancelWhenDropped,
    /// Moves to the thread with the solver, because the place is occupied until the thread ends.
    place: Place,
}

impl Search {
    fn new(roots: &BTreeMap<PackageName, Constraint>, place: Place) -> Self {
        Self::within(BUDGET, roots, place)
    }

    fn within(steps: usize, roots: &BTreeMap<PackageName, Constraint>, place: Place) -> Self {
        let cancellation = Cancellation::default();
        let solver = Solver::new(roots, Budget::new(steps, cancellation.clone()));
        Self { solver, ends_when_dropped: CancelWhenDropped(cancellation), place }
    }

    async fn go_on(self, known: Looked) -> Result<(Solved, Self)> {
        // `ends_when_dropped` stays here, so that it is dropped together with this future.
        let Self { mut solver, ends_when_dropped, place } = self;
        let search = task::spawn_blocking(move || {
            let learned = known.into_iter().try_for_each(|(name, versions)| solver.learn(&name, versions));
            (learned.and_then(|()| solver.run()), solver, place)
        });
        let (answer, solver, place) = search.await.map_err(Error::internal)?;
        Ok((answer, Self { solver, ends_when_dropped, place }))
    }
}

/// Cancels the search when its future is dropped.
struct CancelWhenDropped(Cancellation);

impl Drop for CancelWhenDropped {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn gave_up(why: &str, details: Vec<Detail>) -> Error {
    Error::ResolutionConflict {
        message: format!("Resolving this {why}; ask for fewer packages at once or for exact versions"),
        details,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{
        places::Places,
        resolve::solver::tests::{endless, known},
    };

    #[tokio::test]
    async fn nothing_is_computed_for_who_does_not_wait_any_more() {
        let places = Places::<u8>::new(1, 1, std::time::Duration::from_mins(1));
        let (roots, world) = endless();
        let search = Search::within(usize::MAX, &roots, places.take(None).await.expect("a place"));
        let mut search = Box::pin(search.go_on(known(&world)));
        assert!(futures_util::poll!(&mut search).is_pending());
        drop(search);
        // The place becomes free when the thread ends, and this search would never end by itself.
        places.take(None).await.expect("the place of the search that was dropped");
    }
}
