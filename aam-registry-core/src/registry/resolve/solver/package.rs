use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    bits::BitSet,
    budget::{Budget, Spent},
    ids::{ConstraintId, Id, Level, Levels},
};
use crate::types::{Constraint, PackageName, Version, VersionSummary};

/// The mark of a version that no wish excludes.
const NOBODY: u32 = u32::MAX;
/// How many versions are skipped in one step when skipping one is nearly free.
const VERSIONS_A_STEP: usize = 16;

/// A dependency of a version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) package: Id,
    pub(super) constraint: ConstraintId,
}

/// A demand on a package that is part of the current state of the search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// The decision it comes from, and the package and version decided; `None` for the request itself.
    pub(super) by: Option<(Level, Id, usize)>,
    pub(super) constraint: ConstraintId,
}

impl Wish {
    pub(super) fn level(&self) -> Option<Level> {
        self.by.map(|(level, ..)| level)
    }
}

/// Whether some version of a package is possible.
pub(super) enum Possible {
    Yes,
    /// No: these decisions' wishes exclude every eligible version.
    No(Levels),
}

/// The state of one package in a search.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: PackageName,
    /// Its versions, highest first; empty if the package does not exist, `None` if it has not been
    /// looked up.
    versions: Option<Vec<VersionSummary>>,
    pub(super) exists: bool,
    /// The dependencies of each version, if they were read.
    needs: Vec<Option<Arc<[Need]>>>,
    /// Which versions meet each constraint.
    meeting: HashMap<ConstraintId, Arc<BitSet>>,
    /// Versions that a known version demands exactly.
    pinned: BTreeSet<Version>,
    /// Yanked versions that were skipped because no known version demands exactly them.
    passed_over: BitSet,
    pub(super) wishes: Vec<Wish>,
    /// For each version the index of the first wish that excludes it.
    excluded_by: Vec<u32>,
    /// The decision about it, and the chosen version.
    pub(super) chosen: Option<(Level, usize)>,
}

impl Package {
    pub(super) fn new(name: PackageName) -> Self {
        Self {
            name,
            versions: None,
            exists: false,
            needs: Vec::new(),
            meeting: HashMap::new(),
            pinned: BTreeSet::new(),
            passed_over: BitSet::default(),
            wishes: Vec::new(),
            excluded_by: Vec::new(),
            chosen: None,
        }
    }

    pub(super) fn learn(&mut self, versions: Option<Vec<VersionSummary>>) {
        self.exists = versions.is_some();
        let mut versions = versions.unwrap_or_default();
        versions.sort_by(|a, b| Reverse(&a.version).cmp(&Reverse(&b.version)));
        self.needs = vec![None; versions.len()];
        self.excluded_by = vec![NOBODY; versions.len()];
        self.versions = Some(versions);
    }

    /// Resets the search, and keeps what was looked up.
    pub(super) fn forget_search(&mut self) {
        self.wishes.clear();
        self.excluded_by.fill(NOBODY);
        self.passed_over = BitSet::default();
        self.chosen = None;
    }

    pub(super) fn is_known(&self) -> bool {
        self.versions.is_some()
    }

    pub(super) fn versions(&self) -> &[VersionSummary] {
        self.versions.as_deref().unwrap_or_default()
    }

    /// The steps for going through all its versions once.
    pub(super) fn cost(&self) -> usize {
        1 + self.versions().len() / VERSIONS_A_STEP
    }

    /// Records that a version demands exactly `version`; returns whether it had been skipped.
    pub(super) fn pin(&mut self, version: &Version) -> bool {
        if !self.pinned.insert(version.clone()) {
            return false;
        }
        let at = self.versions().binary_search_by(|known| version.cmp(&known.version));
        at.is_ok_and(|at| self.passed_over.has(at))
    }

    /// Whether a version may be chosen at all: it is not yanked, or a known version demands exactly it.
    pub(super) fn is_eligible(&self, candidate: usize) -> bool {
        self.versions()
            .get(candidate)
            .is_some_and(|candidate| !candidate.is_by_demand_only() || self.pinned.contains(&candidate.version))
    }

    /// Records that a version was skipped because it is not eligible.
    pub(super) fn pass_over(&mut self, candidate: usize) {
        self.passed_over.add(candidate);
    }

    pub(super) fn has_passed_over(&self) -> bool {
        !self.passed_over.is_empty()
    }

    /// Which versions meet a constraint; takes steps when it is computed for the first time.
    pub(super) fn meeting(
        &mut self,
        id: ConstraintId,
        constraints: &[Constraint],
        budget: &mut Budget,
    ) -> Result<Arc<BitSet>, Spent> {
        if let Some(meeting) = self.meeting.get(&id) {
            return Ok(Arc::clone(meeting));
        }
        let constraint = &constraints[id];
        budget.spend(self.versions().len() * constraint.comparators())?;
        let versions = self.versions().iter().enumerate();
        let meeting = versions.filter(|(_, known)| constraint.matches(&known.version)).map(|(at, _)| at).collect();
        let meeting = Arc::new(meeting);
        self.meeting.insert(id, Arc::clone(&meeting));
        Ok(meeting)
    }

    /// The versions that meet a constraint, if that was computed before.
    pub(super) fn known_meeting(&self, id: ConstraintId) -> Option<&BitSet> {
        self.meeting.get(&id).map(|meeting| &**meeting)
    }

    /// Excludes the versions that do not meet the wish at that index, the last one.
    pub(super) fn exclude(&mut self, wish: usize, meeting: &BitSet) {
        let by = u32::try_from(wish).unwrap_or(NOBODY - 1);
        for (at, excluded_by) in self.excluded_by.iter_mut().enumerate() {
            if *excluded_by == NOBODY && !meeting.has(at) {
                *excluded_by = by;
            }
        }
    }

    /// Removes the last wish.
    pub(super) fn take_back(&mut self) {
        self.wishes.pop();
        let by = u32::try_from(self.wishes.len()).unwrap_or(NOBODY - 1);
        for excluded_by in &mut self.excluded_by {
            if *excluded_by == by {
                *excluded_by = NOBODY;
            }
        }
    }

    /// The first wish that excludes a version.
    pub(super) fn excluding(&self, candidate: usize) -> Option<&Wish> {
        let by = *self.excluded_by.get(candidate)?;
        if by == NOBODY { None } else { self.wishes.get(by as usize) }
    }

    /// Whether any version meets all wishes, yanked or not.
    pub(super) fn has_meeting(&self) -> bool {
        self.excluded_by.contains(&NOBODY)
    }

    /// Whether a version is possible, and is one of `meeting` if that is given.
    pub(super) fn possible(&mut self, meeting: Option<&BitSet>) -> Possible {
        let mut culprits = Levels::default();
        for candidate in 0..self.versions().len() {
            if meeting.is_some_and(|meeting| !meeting.has(candidate)) {
                continue;
            }
            match self.excluding(candidate) {
                Some(wish) => culprits.extend(wish.level()),
                None if self.is_eligible(candidate) => return Possible::Yes,
                None => self.pass_over(candidate),
            }
        }
        Possible::No(culprits)
    }

    /// Whether a version depends on another version of its own package.
    pub(super) fn contradicts_itself(&self, candidate: usize) -> bool {
        let Some(candidate) = self.versions().get(candidate) else { return false };
        candidate.dependencies.get(&self.name).is_some_and(|own| !own.matches(&candidate.version))
    }

    /// The dependencies of a version on other packages, if they were read already.
    pub(super) fn needs(&self, candidate: usize) -> Option<Arc<[Need]>> {
        self.needs.get(candidate)?.clone()
    }

    /// Takes the dependencies of a version out, to read them.
    pub(super) fn take_dependencies(&mut self, candidate: usize) -> BTreeMap<PackageName, Constraint> {
        let versions = self.versions.as_mut();
        let candidate = versions.and_then(|versions| versions.get_mut(candidate));
        candidate.map(|candidate| std::mem::take(&mut candidate.dependencies)).unwrap_or_default()
    }

    /// Puts the dependencies back, with what was read.
    pub(super) fn put_back(
        &mut self,
        candidate: usize,
        dependencies: BTreeMap<PackageName, Constraint>,
        needs: &Arc<[Need]>,
    ) {
        if let Some(version) = self.versions.as_mut().and_then(|versions| versions.get_mut(candidate)) {
            version.dependencies = dependencies;
            self.needs[candidate] = Some(Arc::clone(needs));
        }
    }
}
