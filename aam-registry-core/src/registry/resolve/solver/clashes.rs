use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use super::{
    bits::BitSet,
    ids::Id,
    package::{Package, Wish},
};
use crate::types::{Constraint, PackageName, Version};

/// The most demands of one clash that are reported.
const TOLD: usize = 8;

/// A demand on a package.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::registry::resolve) struct Demand {
    /// The version with the demand; `None` for the request itself.
    pub(in crate::registry::resolve) by: Option<(PackageName, Version)>,
    /// The versions it accepts.
    pub(in crate::registry::resolve) constraint: Constraint,
    /// The highest version that is not yanked and meets all other demands.
    pub(in crate::registry::resolve) without: Option<Version>,
}

/// Demands on one package that no version meets together.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::registry::resolve) struct Clash {
    /// The package.
    pub(in crate::registry::resolve) package: PackageName,
    /// Whether it exists.
    pub(in crate::registry::resolve) exists: bool,
    /// The highest of its versions that are not yanked.
    pub(in crate::registry::resolve) highest: Option<Version>,
    /// The demands; if there are many, those that exclude each other.
    pub(in crate::registry::resolve) demands: Vec<Demand>,
    /// How many more demands there are.
    pub(in crate::registry::resolve) others: usize,
}

impl Clash {
    /// The clash of `wishes` for `package`.
    pub(super) fn of(package: &Package, wishes: &[Wish], packages: &[Package], constraints: &[Constraint]) -> Self {
        let mut would_do = would_do(package, wishes);
        let told = told(package, wishes, &would_do);
        let others = wishes.len() - told.len();
        let demand = |at: usize| {
            let Wish { by, constraint } = wishes[at];
            let by = by.and_then(|(_, id, candidate)| {
                let by = &packages[id];
                Some((by.name.clone(), by.versions().get(candidate)?.version.clone()))
            });
            let without = would_do.remove(&at).map(|candidate| package.versions()[candidate].version.clone());
            Demand { by, constraint: constraints[constraint].clone(), without }
        };
        Self {
            package: package.name.clone(),
            exists: package.exists,
            highest: package.versions().iter().find(|known| !known.yanked).map(|known| known.version.clone()),
            demands: told.into_iter().map(demand).collect(),
            others,
        }
    }
}

/// For each wish, by its index, the highest version that meets all other wishes, if there is one.
fn would_do(package: &Package, wishes: &[Wish]) -> HashMap<usize, usize> {
    let mut would_do = HashMap::new();
    for (candidate, version) in package.versions().iter().enumerate() {
        let unmet = |(_, wish): &(usize, &Wish)| !meets(package, wish, candidate);
        let mut unmet = wishes.iter().enumerate().filter(unmet);
        if let (false, Some((only, _)), None) = (version.yanked, unmet.next(), unmet.next()) {
            would_do.entry(only).or_insert(candidate);
        }
    }
    would_do
}

fn meets(package: &Package, wish: &Wish, candidate: usize) -> bool {
    package.known_meeting(wish.constraint).is_none_or(|meeting| meeting.has(candidate))
}

/// Which wishes to report: all if there are few; else those without which a version would be possible,
/// and some that exclude each other.
fn told(package: &Package, wishes: &[Wish], would_do: &HashMap<usize, usize>) -> BTreeSet<usize> {
    if wishes.len() <= TOLD {
        return (0..wishes.len()).collect();
    }
    let mut told: BTreeSet<usize> = would_do.keys().copied().collect();
    while told.len() > TOLD / 2 {
        told.pop_last();
    }
    let eligible: BitSet = (0..package.versions().len()).filter(|at| package.is_eligible(*at)).collect();
    let mut core = Vec::new();
    while told.len() < TOLD {
        let mut left = eligible.clone();
        let order = core.iter().copied().chain(0..wishes.len());
        let last = order.into_iter().find(|at: &usize| {
            if let Some(meeting) = package.known_meeting(wishes[*at].constraint) {
                left.keep(meeting);
            }
            left.is_empty()
        });
        match last {
            // The wishes in the core exclude each other.
            Some(last) if core.contains(&last) => break,
            Some(last) => {
                core.push(last);
                told.insert(last);
            }
            None => break,
        }
    }
    told
}

/// The clashes that occurred, and how often each did.
#[derive(Debug, Default)]
pub(super) struct Clashes(HashMap<Id, (usize, Vec<Wish>)>);

impl Clashes {
    /// Records that no version of a package meets its wishes and one further wish.
    pub(super) fn note(&mut self, id: Id, package: &Package, further: Option<Wish>) {
        let wishes = || package.wishes.iter().copied().chain(further).collect();
        self.0.entry(id).and_modify(|(times, _)| *times += 1).or_insert_with(|| (1, wishes()));
    }

    /// The clash that occurred most often.
    pub(super) fn worst(&self, packages: &[Package], constraints: &[Constraint]) -> Option<Clash> {
        let worst = self.0.iter().max_by_key(|(id, (times, _))| (*times, Reverse(&packages[**id].name)))?;
        let (id, (_, wishes)) = worst;
        Some(Clash::of(&packages[*id], wishes, packages, constraints))
    }
}
