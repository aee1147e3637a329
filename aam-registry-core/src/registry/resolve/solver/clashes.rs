use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    iter,
};

use super::{
    bits::BitSet,
    ids::Id,
    package::{Package, Wish},
};
use crate::types::{Constraint, PackageName, Version};

/// The most demands of one clash that are reported.
const TOLD: usize = 8;
/// The most pairs of versions that are compared for each of them.
const MOST_TRIED: usize = 10_000;

/// A demand on a package.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::registry::resolve) struct Demand {
    /// The version with the demand; `None` for the request itself.
    pub(in crate::registry::resolve) by: Option<(PackageName, Version)>,
    /// The versions it accepts.
    pub(in crate::registry::resolve) constraint: Constraint,
    /// The versions through which that version is in the tree, from one that the request names.
    pub(in crate::registry::resolve) through: Vec<(PackageName, Version)>,
    /// The highest version that is not yanked and meets all other demands.
    pub(in crate::registry::resolve) without: Option<Version>,
    /// Whether another known version of the package with the demand leaves a version that meets all
    /// other demands.
    pub(in crate::registry::resolve) another_helps: bool,
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
    pub(super) fn of(package: &Package, wishes: &[Wished], packages: &[Package], constraints: &[Constraint]) -> Self {
        let would_do = would_do(package, wishes);
        let told = told(package, wishes, &would_do);
        let others = wishes.len() - told.len();
        let demand = |at: usize| {
            let Wished { wish, through } = &wishes[at];
            let name = |(id, candidate): (Id, usize)| {
                Some((packages[id].name.clone(), packages[id].versions().get(candidate)?.version.clone()))
            };
            let by = wish.by.map(|(_, id, candidate)| (id, candidate));
            let candidates = would_do.get(&at);
            Demand {
                by: by.and_then(name),
                constraint: constraints[wish.constraint].clone(),
                through: through.iter().copied().filter_map(name).collect(),
                without: candidates.map(|candidates| package.versions()[candidates[0]].version.clone()),
                another_helps: by.zip(candidates).is_some_and(|((id, chosen), candidates)| {
                    another_helps(&packages[id], chosen, package, candidates)
                }),
            }
        };
        Self {
            package: package.name.clone(),
            exists: package.exists,
            highest: package
                .versions()
                .iter()
                .find(|known| !known.is_by_demand_only())
                .map(|known| known.version.clone()),
            demands: told.into_iter().map(demand).collect(),
            others,
        }
    }
}

/// For each wish, by its index, the versions that meet all other wishes, if there are any, highest
/// first.
fn would_do(package: &Package, wishes: &[Wished]) -> HashMap<usize, Vec<usize>> {
    let mut would_do = HashMap::<_, Vec<_>>::new();
    for (candidate, version) in package.versions().iter().enumerate() {
        let unmet = |(_, wished): &(usize, &Wished)| !meets(package, &wished.wish, candidate);
        let mut unmet = wishes.iter().enumerate().filter(unmet);
        if let (false, Some((only, _)), None) = (version.is_by_demand_only(), unmet.next(), unmet.next()) {
            would_do.entry(only).or_default().push(candidate);
        }
    }
    would_do
}

/// Whether a version of `by` other than `chosen` does without `package`, or accepts one of
/// `candidates`. Assumes so where there are too many to try.
fn another_helps(by: &Package, chosen: usize, package: &Package, candidates: &[usize]) -> bool {
    if by.versions().len() * candidates.len() > MOST_TRIED {
        return true;
    }
    let accepts_one = |constraint: &Constraint| {
        candidates.iter().any(|candidate| constraint.matches(&package.versions()[*candidate].version))
    };
    let mut others = by.versions().iter().enumerate().filter(|(at, other)| *at != chosen && !other.is_by_demand_only());
    others.any(|(_, other)| other.dependencies.get(&package.name).is_none_or(accepts_one))
}

fn meets(package: &Package, wish: &Wish, candidate: usize) -> bool {
    package.known_meeting(wish.constraint).is_none_or(|meeting| meeting.has(candidate))
}

/// Which wishes to report: all if there are few; else those without which a version would be possible,
/// and some that exclude each other.
fn told(package: &Package, wishes: &[Wished], would_do: &HashMap<usize, Vec<usize>>) -> BTreeSet<usize> {
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
            if let Some(meeting) = package.known_meeting(wishes[*at].wish.constraint) {
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

/// A wish with the versions through which its package is in the tree, from one that the request names.
#[derive(Debug)]
pub(super) struct Wished {
    wish: Wish,
    through: Vec<(Id, usize)>,
}

impl Wished {
    pub(super) fn of(wish: Wish, packages: &[Package]) -> Self {
        let first_demand = |id: Id| packages[id].wishes.first().and_then(|wish| wish.by);
        let above = wish.by.and_then(|(_, id, _)| first_demand(id));
        let path = iter::successors(above, |(_, id, _)| first_demand(*id));
        let mut through: Vec<_> = path.map(|(_, id, candidate)| (id, candidate)).collect();
        through.reverse();
        Self { wish, through }
    }
}

/// The clashes that occurred, and how often each did.
#[derive(Debug, Default)]
pub(super) struct Clashes(HashMap<Id, (usize, Vec<Wished>)>);

impl Clashes {
    /// Records that no version of a package meets its wishes and one further wish.
    pub(super) fn note(&mut self, id: Id, packages: &[Package], further: Option<Wish>) {
        let wishes = || {
            let wishes = packages[id].wishes.iter().copied().chain(further);
            wishes.map(|wish| Wished::of(wish, packages)).collect()
        };
        self.0.entry(id).and_modify(|(times, _)| *times += 1).or_insert_with(|| (1, wishes()));
    }

    /// The clash that occurred most often.
    pub(super) fn worst(&self, packages: &[Package], constraints: &[Constraint]) -> Option<Clash> {
        let worst = self.0.iter().max_by_key(|(id, (times, _))| (*times, Reverse(&packages[**id].name)))?;
        let (id, (_, wishes)) = worst;
        Some(Clash::of(&packages[*id], wishes, packages, constraints))
    }
}
