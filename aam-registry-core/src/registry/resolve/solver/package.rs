use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    ConstraintId, Id, Level, Levels,
    bits::BitSet,
    budget::{Budget, Spent},
};
use crate::types::{Constraint, PackageName, Version, VersionSummary};

/// A version that no wish excludes.
const NOBODY: u32 = u32::MAX;
/// How many versions are passed in one step where each takes next to nothing.
const VERSIONS_A_STEP: usize = 16;

/// What somebody needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) package: Id,
    pub(super) constraint: ConstraintId,
}

/// A demand on a package that holds now.
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

/// Whether some version of a package could be taken.
pub(super) enum Possible {
    Yes,
    /// Those whose wishes exclude every version that could be.
    No(Levels),
}

/// What a search knows of one package.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: PackageName,
    /// Its versions, highest first, none for a package that does not exist; `None` where it has not been looked up.
    versions: Option<Vec<VersionSummary>>,
    pub(super) exists: bool,
    /// What each version needs, where it was looked at.
    needs: Vec<Option<Arc<[Need]>>>,
    /// Which versions meet a constraint.
    meeting: HashMap<ConstraintId, Arc<BitSet>>,
    /// Versions that somebody known demands exactly.
    pinned: BTreeSet<Version>,
    /// Yanked versions that were not taken, since nobody known demanded them exactly.
    passed_over: BitSet,
    pub(super) wishes: Vec<Wish>,
    /// The first wish that excludes each version, by its place.
    excluded_by: Vec<u32>,
    /// The decision for it, and the version.
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

    /// Forgets all but what was learned.
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

    /// The steps it takes to go through all its versions once.
    pub(super) fn cost(&self) -> usize {
        1 + self.versions().len() / VERSIONS_A_STEP
    }

    /// Notes that somebody demands exactly that version; tells whether it was passed over.
    pub(super) fn pin(&mut self, version: &Version) -> bool {
        if !self.pinned.insert(version.clone()) {
            return false;
        }
        let at = self.versions().binary_search_by(|known| version.cmp(&known.version));
        at.is_ok_and(|at| self.passed_over.has(at))
    }

    /// Whether a version may be taken at all: not yanked, or demanded exactly by somebody known.
    pub(super) fn is_eligible(&self, candidate: usize) -> bool {
        self.versions()
            .get(candidate)
            .is_some_and(|candidate| !candidate.yanked || self.pinned.contains(&candidate.version))
    }

    /// Notes that a version was not taken because it is not eligible.
    pub(super) fn pass_over(&mut self, candidate: usize) {
        self.passed_over.add(candidate);
    }

    pub(super) fn has_passed_over(&self) -> bool {
        !self.passed_over.is_empty()
    }

    /// Which versions meet a constraint; costs where that was not asked before.
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

    /// Which versions were found to meet a constraint.
    pub(super) fn known_meeting(&self, id: ConstraintId) -> Option<&BitSet> {
        self.meeting.get(&id).map(|meeting| &**meeting)
    }

    /// Excludes what does not meet the wish at that place, the last one.
    pub(super) fn exclude(&mut self, wish: usize, meeting: &BitSet) {
        let by = u32::try_from(wish).unwrap_or(NOBODY - 1);
        for (at, excluded_by) in self.excluded_by.iter_mut().enumerate() {
            if *excluded_by == NOBODY && !meeting.has(at) {
                *excluded_by = by;
            }
        }
    }

    /// Takes the last wish back.
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

    /// Whether a version could be taken that also is one of `meeting`, where that is given.
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

    /// Whether a version needs another one of its own package.
    pub(super) fn contradicts_itself(&self, candidate: usize) -> bool {
        let Some(candidate) = self.versions().get(candidate) else { return false };
        candidate.dependencies.get(&self.name).is_some_and(|own| !own.matches(&candidate.version))
    }

    /// What a version needs beside its own package, where that is known already.
    pub(super) fn needs(&self, candidate: usize) -> Option<Arc<[Need]>> {
        self.needs.get(candidate)?.clone()
    }

    /// Takes a version's dependencies out, to find out what they are.
    pub(super) fn take_dependencies(&mut self, candidate: usize) -> BTreeMap<PackageName, Constraint> {
        let versions = self.versions.as_mut();
        let candidate = versions.and_then(|versions| versions.get_mut(candidate));
        candidate.map(|candidate| std::mem::take(&mut candidate.dependencies)).unwrap_or_default()
    }

    /// Puts them back, with what they are.
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
