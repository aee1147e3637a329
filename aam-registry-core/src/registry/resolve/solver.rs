//! The search for one version of each package that satisfies everybody.
//!
//! Packages are decided in the order in which they were first demanded, the
//! roots by name, each with its highest version first; the first solution in
//! that order is the one given, so that equal questions have equal answers.
//! A dead end goes back to the latest decision that had a part in it
//! (conflict-directed backjumping), and a version is not tried where one of
//! its dependencies could not be satisfied any more (forward checking).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::types::{Constraint, PackageName, Version, VersionSummary};

/// What is known of packages: their versions, highest first, or `None` for a
/// package that does not exist. What is absent has not been looked up.
pub(super) type Universe = BTreeMap<PackageName, Option<Vec<VersionSummary>>>;

/// A demand on a package.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Demand {
    /// The version that demands; `None` for the request itself.
    pub(super) by: Option<(PackageName, Version)>,
    /// What it accepts.
    pub(super) constraint: Constraint,
}

/// Demands on one package that no version meets together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clash {
    /// The package.
    pub(super) package: PackageName,
    /// Who demands what.
    pub(super) demands: Vec<Demand>,
}

/// Why there is no solution, or not yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unsolved {
    /// These packages have to be looked up first.
    Needs(BTreeSet<PackageName>),
    /// There is none; this clash stood in the way most often.
    Conflict(Clash),
    /// The budget was used up; what stood in the way most often until then, if anything did.
    OutOfSteps(Option<Clash>),
}

/// How many versions one resolution may look at: some 30 milliseconds of a
/// processor, and six times what a tree of 300 packages takes.
pub(super) const BUDGET: usize = 100_000;

/// Finds a version for each of `roots` and all they need.
///
/// A yanked version is taken only where somebody in the solution demands
/// exactly it. Takes one of `budget` for each version looked at.
pub(super) fn solve(
    roots: &BTreeMap<PackageName, Constraint>,
    universe: &Universe,
    budget: &mut usize,
) -> Result<BTreeMap<PackageName, VersionSummary>, Unsolved> {
    let mut search = Search::new(roots, universe, budget);
    match search.decide() {
        Ok(()) => Ok(search.solution()),
        Err(Stop::OutOfSteps) => Err(Unsolved::OutOfSteps(search.noted_clash())),
        Err(Stop::Needs) => Err(Unsolved::Needs(search.unknown_demanded())),
        Err(Stop::Blame(_)) => {
            // Somebody not looked up yet might demand exactly a yanked version that was passed over.
            let unknown = search.unknown_named();
            if search.passed_over && !unknown.is_empty() {
                return Err(Unsolved::Needs(unknown));
            }
            Err(Unsolved::Conflict(search.worst_clash()))
        }
    }
}

/// The place of a decision, from 0.
type Level = usize;

#[derive(Clone, Copy)]
struct Wish<'a> {
    /// The decision it comes from and what was decided; `None` for the request itself.
    by: Option<(Level, &'a PackageName, &'a Version)>,
    constraint: &'a Constraint,
}

impl Wish<'_> {
    fn level(&self) -> Option<Level> {
        self.by.map(|(level, ..)| level)
    }

    fn demand(&self) -> Demand {
        Demand {
            by: self.by.map(|(_, package, version)| (package.clone(), version.clone())),
            constraint: self.constraint.clone(),
        }
    }
}

enum Stop {
    /// The decisions at these levels cannot all stand.
    Blame(BTreeSet<Level>),
    Needs,
    OutOfSteps,
}

struct Search<'a> {
    universe: &'a Universe,
    budget: &'a mut usize,
    /// Versions that somebody known demands exactly.
    pinned: BTreeSet<(&'a PackageName, &'a Version)>,
    chosen: BTreeMap<&'a PackageName, (Level, &'a VersionSummary)>,
    wishes: BTreeMap<&'a PackageName, Vec<Wish<'a>>>,
    /// What was demanded, in the order it first was.
    queue: Vec<&'a PackageName>,
    /// Each with how often it stood in the way.
    clashes: BTreeMap<&'a PackageName, (usize, Clash)>,
    passed_over: bool,
}

impl<'a> Search<'a> {
    fn new(roots: &'a BTreeMap<PackageName, Constraint>, universe: &'a Universe, budget: &'a mut usize) -> Self {
        let dependencies =
            universe.values().flatten().flatten().flat_map(|candidate| &candidate.dependencies).chain(roots);
        let pinned = dependencies.filter_map(|(name, constraint)| Some((name, constraint.exact()?))).collect();
        let wish = |constraint| vec![Wish { by: None, constraint }];
        Self {
            universe,
            budget,
            pinned,
            chosen: BTreeMap::new(),
            wishes: roots.iter().map(|(name, constraint)| (name, wish(constraint))).collect(),
            queue: roots.keys().collect(),
            clashes: BTreeMap::new(),
            passed_over: false,
        }
    }

    /// Decides the first package that is demanded and undecided, and all after it.
    fn decide(&mut self) -> Result<(), Stop> {
        let Some(package) = self.queue.iter().copied().find(|package| !self.chosen.contains_key(package)) else {
            return self.check_pins();
        };
        let known = self.universe.get(package).ok_or(Stop::Needs)?;
        // Whatever is decided here is only needed because of the first who demanded it.
        let mut blame: BTreeSet<Level> = self.wishes[package].first().and_then(Wish::level).into_iter().collect();
        let meets = |candidate: &VersionSummary| {
            self.wishes[package].iter().all(|wish| wish.constraint.matches(&candidate.version))
        };
        if !known.iter().flatten().any(meets) {
            self.note_clash(package, None);
        }
        let level = self.chosen.len();
        for candidate in known.iter().flatten() {
            self.spend()?;
            if !self.eligible(package, candidate) {
                continue;
            }
            if let Some(culprits) = self.refusal(package, candidate)? {
                blame.extend(culprits);
                continue;
            }
            match self.decide_as(package, candidate) {
                Err(Stop::Blame(mut culprits)) => {
                    // Nothing decided here had a part in it: another version here would change nothing.
                    if !culprits.remove(&level) {
                        return Err(Stop::Blame(culprits));
                    }
                    blame.extend(culprits);
                }
                done => return done,
            }
        }
        Err(Stop::Blame(blame))
    }

    /// Decides for `candidate` and then everything after it; takes the
    /// decision back where that fails.
    fn decide_as(&mut self, package: &'a PackageName, candidate: &'a VersionSummary) -> Result<(), Stop> {
        let level = self.chosen.len();
        let queued = self.queue.len();
        self.chosen.insert(package, (level, candidate));
        for (name, constraint) in dependencies(package, candidate) {
            let wishes = self.wishes.entry(name).or_default();
            if wishes.is_empty() {
                self.queue.push(name);
            }
            wishes.push(Wish { by: Some((level, package, &candidate.version)), constraint });
        }
        let decided = self.decide();
        if let Err(Stop::Blame(_)) = decided {
            self.chosen.remove(package);
            self.queue.truncate(queued);
            for (name, _) in dependencies(package, candidate) {
                self.wishes.get_mut(name).map(Vec::pop);
            }
        }
        decided
    }

    /// The decisions because of which `candidate` cannot be taken now; `None`
    /// where it can.
    fn refusal(
        &mut self,
        package: &'a PackageName,
        candidate: &'a VersionSummary,
    ) -> Result<Option<BTreeSet<Level>>, Stop> {
        let unmet = self.wishes[package].iter().find(|wish| !wish.constraint.matches(&candidate.version));
        if let Some(wish) = unmet {
            return Ok(Some(wish.level().into_iter().collect()));
        }
        if let Some(own) = candidate.dependencies.get(package)
            && !own.matches(&candidate.version)
        {
            return Ok(Some(BTreeSet::new()));
        }
        for (name, constraint) in dependencies(package, candidate) {
            let wish = Wish { by: Some((self.chosen.len(), package, &candidate.version)), constraint };
            if let Some(culprits) = self.unmeetable(name, wish)? {
                self.note_clash(name, Some(wish));
                return Ok(Some(culprits));
            }
        }
        Ok(None)
    }

    /// The decisions because of which a further `wish` for `name` cannot be met.
    fn unmeetable(&mut self, name: &'a PackageName, wish: Wish<'a>) -> Result<Option<BTreeSet<Level>>, Stop> {
        if let Some((level, chosen)) = self.chosen.get(name) {
            let fits = wish.constraint.matches(&chosen.version);
            return Ok((!fits).then(|| BTreeSet::from([*level])));
        }
        let Some(known) = self.universe.get(name) else { return Ok(None) };
        for candidate in known.iter().flatten() {
            self.spend()?;
            let others = self.wishes.get(name).into_iter().flatten();
            let met = others.chain([&wish]).all(|wish| wish.constraint.matches(&candidate.version));
            if met && self.eligible(name, candidate) {
                return Ok(None);
            }
        }
        Ok(Some(self.wishes.get(name).into_iter().flatten().filter_map(Wish::level).collect()))
    }

    /// Whether `candidate` may be taken at all: not yanked, or demanded exactly by somebody known.
    fn eligible(&mut self, package: &'a PackageName, candidate: &'a VersionSummary) -> bool {
        let eligible = !candidate.yanked || self.pinned.contains(&(package, &candidate.version));
        self.passed_over |= !eligible;
        eligible
    }

    /// Requires that each yanked version was demanded exactly by somebody chosen.
    fn check_pins(&self) -> Result<(), Stop> {
        let pinned = |(package, (_, chosen)): (&&PackageName, &(Level, &VersionSummary))| {
            !chosen.yanked || self.wishes[*package].iter().any(|wish| wish.constraint.exact() == Some(&chosen.version))
        };
        if self.chosen.iter().all(pinned) { Ok(()) } else { Err(Stop::Blame((0..self.chosen.len()).collect())) }
    }

    fn spend(&mut self) -> Result<(), Stop> {
        *self.budget = self.budget.checked_sub(1).ok_or(Stop::OutOfSteps)?;
        Ok(())
    }

    fn note_clash(&mut self, package: &'a PackageName, further: Option<Wish<'a>>) {
        let wishes = self.wishes.get(package).into_iter().flatten();
        let demands = || wishes.chain(&further).map(Wish::demand).collect();
        self.clashes
            .entry(package)
            .and_modify(|(times, _)| *times += 1)
            .or_insert_with(|| (1, Clash { package: package.clone(), demands: demands() }));
    }

    /// What stood in the way most often.
    fn noted_clash(&mut self) -> Option<Clash> {
        let worst = self.clashes.iter().max_by_key(|(name, (times, _))| (*times, Reverse(*name)));
        let worst = worst.map(|(name, _)| *name)?;
        self.clashes.remove(worst).map(|(_, clash)| clash)
    }

    fn worst_clash(mut self) -> Clash {
        // Nothing clashed where versions only contradict themselves or were yanked.
        self.noted_clash().unwrap_or_else(|| {
            let first = self.queue[0];
            Clash { package: first.clone(), demands: self.wishes[first].iter().map(Wish::demand).collect() }
        })
    }

    fn solution(self) -> BTreeMap<PackageName, VersionSummary> {
        self.chosen.into_iter().map(|(name, (_, version))| (name.clone(), version.clone())).collect()
    }

    fn unknown_demanded(&self) -> BTreeSet<PackageName> {
        self.queue.iter().filter(|name| !self.universe.contains_key(**name)).map(|name| (*name).clone()).collect()
    }

    fn unknown_named(&self) -> BTreeSet<PackageName> {
        let named = self.universe.values().flatten().flatten().flat_map(|candidate| candidate.dependencies.keys());
        named.filter(|name| !self.universe.contains_key(*name)).cloned().collect()
    }
}

/// What `candidate` needs beside its own package.
fn dependencies<'a>(
    package: &'a PackageName,
    candidate: &'a VersionSummary,
) -> impl Iterator<Item = (&'a PackageName, &'a Constraint)> {
    candidate.dependencies.iter().filter(move |(name, _)| *name != package)
}

#[cfg(test)]
mod tests;
