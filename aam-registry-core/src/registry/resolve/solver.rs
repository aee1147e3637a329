//! Searches one version for each package that satisfies every constraint.
//!
//! Packages are decided in the order in which they were first demanded, the roots by name, and the
//! highest version of each is tried first. The first solution in that order is returned, so equal
//! requests get equal answers. After a dead end the search returns to the latest decision that
//! contributed to it (conflict-directed backjumping), and it skips a version if one of its dependencies
//! can no longer be satisfied (forward checking).
//!
//! A search that needs a package it does not know stops, and continues there once it has been given the
//! package: see [`Solver::learn`]. It must not start again: in a chain of n packages each is known only
//! after the one before it was read, so n searches from the start would take n²/2 decisions, where
//! continuing takes n. Which versions meet a constraint is computed once for each
//! constraint on a package. All of this takes steps from one budget.

mod bits;
mod budget;
mod clashes;
mod ids;
mod package;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use self::{
    bits::BitSet,
    budget::{LEARNED_NEED, LEARNED_VERSION, Spent},
    clashes::{Clashes, Wished},
    ids::{ConstraintId, Id, Levels},
    package::{Need, Package, Possible, Wish},
};
pub(super) use self::{
    budget::{BUDGET, Budget, Cancellation},
    clashes::{Clash, Demand},
};
use crate::types::{Constraint, PackageName, VersionSummary};

/// A version of each package.
pub(super) type Solution = BTreeMap<PackageName, VersionSummary>;

/// Why there is no solution, or none yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unsolved {
    /// These packages have to be looked up first.
    Needs(BTreeSet<PackageName>),
    /// There is no solution; this clash occurred most often.
    Conflict(Clash),
    /// The budget is used up; the clash that occurred most often until then, if any.
    OutOfSteps(Option<Clash>),
    /// The search was cancelled.
    Cancelled,
}

/// A search in progress.
#[derive(Debug)]
pub(super) struct Solver {
    packages: Vec<Package>,
    ids: HashMap<PackageName, Id>,
    /// Each constraint on any package, stored once.
    constraints: Vec<Constraint>,
    constraint_ids: HashMap<Box<str>, ConstraintId>,
    roots: Vec<Need>,
    /// The demanded packages in the order of their first demand: first the decided ones, in the order
    /// of the decisions, then the undecided ones.
    queue: Vec<Id>,
    decisions: Vec<Decision>,
    /// Packages that were given to the search since it stopped.
    learned: Vec<Id>,
    clashes: Clashes,
    /// Whether a yanked version was skipped because no known version demands exactly it.
    passed_over: bool,
    /// Whether the search has to start again before it continues.
    starts_over: bool,
    budget: Budget,
}

/// A package that is decided, or for which versions are being tried.
#[derive(Debug)]
struct Decision {
    package: Id,
    /// The next version to try.
    next: usize,
    /// The decisions that excluded the versions tried so far.
    blame: Levels,
    /// The length of the queue before the chosen version added to it.
    queued: usize,
}

/// Why the search cannot continue.
enum Stop {
    /// There is no solution.
    Exhausted,
    Needs,
    Spent(Spent),
}

impl From<Spent> for Stop {
    fn from(spent: Spent) -> Self {
        Self::Spent(spent)
    }
}

impl Solver {
    /// A search for a version of each of `roots` and of everything they need.
    ///
    /// A yanked version is used only if another version of the solution, or a root, demands exactly it.
    pub(super) fn new(roots: &BTreeMap<PackageName, Constraint>, budget: Budget) -> Self {
        let mut solver = Self {
            packages: Vec::new(),
            ids: HashMap::new(),
            constraints: Vec::new(),
            constraint_ids: HashMap::new(),
            roots: Vec::new(),
            queue: Vec::new(),
            decisions: Vec::new(),
            learned: Vec::new(),
            clashes: Clashes::default(),
            passed_over: false,
            starts_over: true,
            budget,
        };
        for (name, constraint) in roots {
            let need = solver.need(name, constraint);
            if let Some(version) = constraint.exact() {
                solver.packages[need.package].pin(version);
            }
            solver.roots.push(need);
        }
        solver
    }

    /// Gives the search the versions of a package; `None` if the package does not exist.
    pub(super) fn learn(&mut self, name: &PackageName, versions: Option<Vec<VersionSummary>>) -> Result<(), Unsolved> {
        self.note_versions(name, versions).map_err(|spent| self.ended(spent))
    }

    fn note_versions(&mut self, name: &PackageName, versions: Option<Vec<VersionSummary>>) -> Result<(), Spent> {
        for candidate in versions.iter().flatten() {
            self.budget.spend(LEARNED_VERSION + candidate.dependencies.len() * LEARNED_NEED)?;
            for (needed, constraint) in &candidate.dependencies {
                let Some(version) = constraint.exact() else { continue };
                let needed = self.id(needed);
                // Only a search from the start would consider the version again.
                self.starts_over |= self.packages[needed].pin(version);
            }
        }
        let id = self.id(name);
        self.packages[id].learn(versions);
        for at in 0..self.packages[id].wishes.len() {
            let constraint = self.packages[id].wishes[at].constraint;
            let meeting = self.packages[id].meeting(constraint, &self.constraints, &mut self.budget)?;
            self.packages[id].exclude(at, &meeting);
        }
        self.learned.push(id);
        Ok(())
    }

    /// Continues the search.
    pub(super) fn run(&mut self) -> Result<Solution, Unsolved> {
        match self.search() {
            Ok(()) => Ok(self.solution()),
            Err(Stop::Needs) => Err(Unsolved::Needs(self.unknown_demanded())),
            Err(Stop::Spent(spent)) => Err(self.ended(spent)),
            Err(Stop::Exhausted) => {
                // A package that was not looked up yet might demand exactly the yanked version that was
                // skipped.
                let unknown = if self.passed_over { self.unknown_named() } else { BTreeSet::new() };
                if !unknown.is_empty() {
                    self.starts_over = true;
                    return Err(Unsolved::Needs(unknown));
                }
                Err(Unsolved::Conflict(self.conflict()))
            }
        }
    }

    fn ended(&self, spent: Spent) -> Unsolved {
        match spent {
            Spent::Budget => Unsolved::OutOfSteps(self.worst_clash()),
            Spent::Cancelled => Unsolved::Cancelled,
        }
    }

    /// The remaining steps of the budget.
    #[cfg(test)]
    fn left(&self) -> usize {
        self.budget.left()
    }

    fn search(&mut self) -> Result<(), Stop> {
        if std::mem::take(&mut self.starts_over) {
            self.start_over()?;
        }
        for id in std::mem::take(&mut self.learned) {
            if let Some(blame) = self.dead_end(id)? {
                self.go_back(blame)?;
            }
        }
        loop {
            let Some(&package) = self.queue.get(self.decisions.len()) else {
                match self.unpinned() {
                    None => return Ok(()),
                    Some(blame) => self.go_back(blame)?,
                }
                continue;
            };
            if !self.packages[package].is_known() {
                return Err(Stop::Needs);
            }
            if !self.packages[package].has_meeting() {
                self.clashes.note(package, &self.packages, None);
            }
            // Decisions about this package are needed only because of the first version that demanded
            // it.
            let blame = self.packages[package].wishes.first().and_then(Wish::level).into_iter().collect();
            self.decisions.push(Decision { package, next: 0, blame, queued: self.queue.len() });
            self.decide_top()?;
        }
    }

    fn start_over(&mut self) -> Result<(), Stop> {
        for package in &mut self.packages {
            package.forget_search();
        }
        self.decisions.clear();
        self.queue.clear();
        self.learned.clear();
        self.passed_over = false;
        for at in 0..self.roots.len() {
            let root = self.roots[at];
            self.wish(root.package, Wish { by: None, constraint: root.constraint })?;
        }
        Ok(())
    }

    /// Chooses the next possible version for the last decision, and goes back over as many decisions as
    /// necessary.
    fn decide_top(&mut self) -> Result<(), Stop> {
        while let Some(top) = self.decisions.last_mut() {
            let package = top.package;
            let candidate = top.next;
            if candidate == self.packages[package].versions().len() {
                let Some(exhausted) = self.decisions.pop() else { break };
                self.undo_to(exhausted.blame)?;
                continue;
            }
            top.next += 1;
            self.budget.spend(1)?;
            if !self.packages[package].is_eligible(candidate) {
                self.packages[package].pass_over(candidate);
                self.passed_over = true;
                continue;
            }
            match self.refusal(package, candidate)? {
                Some(culprits) => self.blame_top(&culprits),
                None => return self.choose(package, candidate),
            }
        }
        Err(Stop::Exhausted)
    }

    fn blame_top(&mut self, culprits: &Levels) {
        if let Some(top) = self.decisions.last_mut() {
            top.blame.add_all(culprits);
        }
    }

    /// Undoes decisions back to one in `blame`, and chooses another version for that one.
    fn go_back(&mut self, blame: Levels) -> Result<(), Stop> {
        self.undo_to(blame)?;
        self.decide_top()
    }

    /// Undoes decisions back to one in `blame`, and the choice of that one.
    fn undo_to(&mut self, mut blame: Levels) -> Result<(), Stop> {
        while !self.decisions.is_empty() {
            self.undo_choice()?;
            let level = self.decisions.len() - 1;
            if blame.remove(level) {
                self.blame_top(&blame);
                return Ok(());
            }
            // The decision had no part in the dead end: another version would change nothing.
            self.decisions.pop();
        }
        Err(Stop::Exhausted)
    }

    fn choose(&mut self, package: Id, candidate: usize) -> Result<(), Stop> {
        let level = self.decisions.len() - 1;
        self.packages[package].chosen = Some((level, candidate));
        for need in self.needs(package, candidate)?.iter() {
            self.wish(need.package, Wish { by: Some((level, package, candidate)), constraint: need.constraint })?;
        }
        Ok(())
    }

    fn undo_choice(&mut self) -> Result<(), Stop> {
        let Some(top) = self.decisions.last() else { return Ok(()) };
        let (package, queued) = (top.package, top.queued);
        let Some((_, candidate)) = self.packages[package].chosen.take() else { return Ok(()) };
        for need in self.needs(package, candidate)?.iter() {
            self.budget.spend(self.packages[need.package].cost())?;
            self.packages[need.package].take_back();
        }
        self.queue.truncate(queued);
        Ok(())
    }

    /// Adds a wish for a package.
    fn wish(&mut self, package: Id, wish: Wish) -> Result<(), Stop> {
        if self.packages[package].wishes.is_empty() {
            self.queue.push(package);
        }
        let at = self.packages[package].wishes.len();
        self.packages[package].wishes.push(wish);
        if self.packages[package].is_known() {
            let meeting = self.packages[package].meeting(wish.constraint, &self.constraints, &mut self.budget)?;
            self.budget.spend(self.packages[package].cost())?;
            self.packages[package].exclude(at, &meeting);
        }
        Ok(())
    }

    /// The decisions because of which `candidate` cannot be chosen now; `None` if it can.
    fn refusal(&mut self, package: Id, candidate: usize) -> Result<Option<Levels>, Stop> {
        if let Some(wish) = self.packages[package].excluding(candidate) {
            return Ok(Some(wish.level().into_iter().collect()));
        }
        if self.packages[package].contradicts_itself(candidate) {
            return Ok(Some(Levels::default()));
        }
        let level = self.decisions.len() - 1;
        for need in self.needs(package, candidate)?.iter() {
            let wish = Wish { by: Some((level, package, candidate)), constraint: need.constraint };
            if let Some(culprits) = self.unmeetable(need.package, wish)? {
                self.clashes.note(need.package, &self.packages, Some(wish));
                return Ok(Some(culprits));
            }
        }
        Ok(None)
    }

    /// The decisions because of which another `wish` for a package cannot be met.
    fn unmeetable(&mut self, id: Id, wish: Wish) -> Result<Option<Levels>, Stop> {
        let package = &mut self.packages[id];
        if !package.is_known() {
            return Ok(None);
        }
        let meeting = package.meeting(wish.constraint, &self.constraints, &mut self.budget)?;
        if let Some((level, chosen)) = package.chosen {
            return Ok((!meeting.has(chosen)).then(|| Levels::from_iter([level])));
        }
        self.budget.spend(package.cost())?;
        Ok(self.possible(id, Some(&meeting)))
    }

    /// The decisions that exclude all possible versions of a package; `None` if one remains.
    fn possible(&mut self, id: Id, meeting: Option<&BitSet>) -> Option<Levels> {
        let package = &mut self.packages[id];
        let culprits = match package.possible(meeting) {
            Possible::Yes => None,
            Possible::No(culprits) => Some(culprits),
        };
        self.passed_over |= package.has_passed_over();
        culprits
    }

    /// The decisions because of which a package that was just looked up, and is already demanded, has
    /// no possible version.
    fn dead_end(&mut self, id: Id) -> Result<Option<Levels>, Stop> {
        let Some(first) = self.packages[id].wishes.first().copied() else { return Ok(None) };
        self.budget.spend(self.packages[id].cost())?;
        let Some(mut culprits) = self.possible(id, None) else { return Ok(None) };
        culprits.extend(first.level());
        self.clashes.note(id, &self.packages, None);
        Ok(Some(culprits))
    }

    /// All decisions, if a yanked version was chosen that no chosen version demands exactly.
    fn unpinned(&self) -> Option<Levels> {
        let is_pinned = |decision: &Decision| {
            let package = &self.packages[decision.package];
            let Some(chosen) = package.chosen.and_then(|(_, candidate)| package.versions().get(candidate)) else {
                return true;
            };
            let exactly = |wish: &Wish| self.constraints[wish.constraint].exact() == Some(&chosen.version);
            !chosen.is_by_demand_only() || package.wishes.iter().any(exactly)
        };
        (!self.decisions.iter().all(is_pinned)).then(|| (0..self.decisions.len()).collect())
    }

    fn id(&mut self, name: &PackageName) -> Id {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = self.packages.len();
        self.packages.push(Package::new(name.clone()));
        self.ids.insert(name.clone(), id);
        id
    }

    fn need(&mut self, name: &PackageName, constraint: &Constraint) -> Need {
        let package = self.id(name);
        let known = self.constraint_ids.get(constraint.as_str()).copied();
        let constraint = known.unwrap_or_else(|| {
            let id = self.constraints.len();
            self.constraint_ids.insert(constraint.as_str().into(), id);
            self.constraints.push(constraint.clone());
            id
        });
        Need { package, constraint }
    }

    /// The dependencies of a version on other packages.
    fn needs(&mut self, package: Id, candidate: usize) -> Result<Arc<[Need]>, Spent> {
        if let Some(needs) = self.packages[package].needs(candidate) {
            return Ok(needs);
        }
        let dependencies = self.packages[package].take_dependencies(candidate);
        let own = self.packages[package].name.clone();
        let others = dependencies.iter().filter(|(name, _)| **name != own);
        let needs: Arc<[Need]> = others.map(|(name, constraint)| self.need(name, constraint)).collect();
        self.packages[package].put_back(candidate, dependencies, &needs);
        self.budget.spend(needs.len())?;
        Ok(needs)
    }

    fn solution(&self) -> Solution {
        let chosen = |decision: &Decision| {
            let package = &self.packages[decision.package];
            let (_, candidate) = package.chosen?;
            Some((package.name.clone(), package.versions().get(candidate)?.clone()))
        };
        self.decisions.iter().filter_map(chosen).collect()
    }

    fn unknown_demanded(&self) -> BTreeSet<PackageName> {
        let unknown = self.queue.iter().map(|id| &self.packages[*id]).filter(|package| !package.is_known());
        unknown.map(|package| package.name.clone()).collect()
    }

    fn unknown_named(&self) -> BTreeSet<PackageName> {
        let candidates = self.packages.iter().flat_map(Package::versions);
        let is_known = |name: &PackageName| self.ids.get(name).is_some_and(|id| self.packages[*id].is_known());
        candidates.flat_map(|candidate| candidate.dependencies.keys()).filter(|name| !is_known(name)).cloned().collect()
    }

    fn worst_clash(&self) -> Option<Clash> {
        self.clashes.worst(&self.packages, &self.constraints)
    }

    fn conflict(&self) -> Clash {
        // No clash was recorded if versions only contradict themselves or were yanked.
        self.worst_clash().unwrap_or_else(|| {
            let first = self.roots.first().map_or(0, |root| root.package);
            let wishes = self.packages[first].wishes.iter().map(|wish| Wished::of(*wish, &self.packages));
            Clash::of(&self.packages[first], &wishes.collect::<Vec<_>>(), &self.packages, &self.constraints)
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
