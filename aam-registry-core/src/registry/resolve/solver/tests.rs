use proptest::prelude::*;

use super::*;
use crate::types::{Sha256Digest, Version, VersionStatus, VersionTexts};

pub(in crate::registry::resolve) type Roots = BTreeMap<PackageName, Constraint>;
type Chosen = BTreeMap<PackageName, Version>;

fn candidate(version: &str, yanked: bool, dependencies: &[(&str, &str)]) -> VersionSummary {
    VersionSummary {
        version: version.parse().expect("version"),
        published_at: jiff::Timestamp::UNIX_EPOCH,
        yanked,
        texts: VersionTexts::default(),
        sha256: Sha256Digest::of(version.as_bytes()),
        archive_size: 1,
        dependencies: demands(dependencies),
        status: VersionStatus::OPEN,
    }
}

fn demands(of: &[(&str, &str)]) -> Roots {
    of.iter().map(|(name, constraint)| (name.parse().expect("name"), constraint.parse().expect("constraint"))).collect()
}

fn package(name: &str, mut versions: Vec<VersionSummary>) -> (PackageName, Option<Vec<VersionSummary>>) {
    versions.sort_by(|a, b| b.version.cmp(&a.version));
    (name.parse().expect("name"), Some(versions))
}

/// The packages of a world.
pub(in crate::registry::resolve) type Universe = BTreeMap<PackageName, Option<Vec<VersionSummary>>>;

/// Looks up in `world` the packages that the solver asks for, until it has an answer.
fn solve_lazily(roots: &Roots, world: &Universe) -> Result<Chosen, Unsolved> {
    solve_within(BUDGET, roots, world).0
}

/// The answer, and the remaining steps of the budget.
fn solve_within(steps: usize, roots: &Roots, world: &Universe) -> (Result<Chosen, Unsolved>, usize) {
    let mut solver = Solver::new(roots, Budget::new(steps, Cancellation::default()));
    let answer = answer(&mut solver, world);
    (answer, solver.left())
}

fn answer(solver: &mut Solver, world: &Universe) -> Result<Chosen, Unsolved> {
    let mut known = BTreeSet::new();
    loop {
        match solver.run() {
            Ok(solution) => return Ok(solution.into_iter().map(|(name, chosen)| (name, chosen.version)).collect()),
            Err(Unsolved::Needs(names)) => {
                assert!(!names.is_empty(), "the solver waits for nothing");
                for name in names {
                    let found = world.get(&name).cloned().flatten();
                    assert!(known.insert(name.clone()), "asked for the same package twice");
                    solver.learn(&name, found)?;
                }
            }
            Err(unsolved) => return Err(unsolved),
        }
    }
}

fn solved(roots: &[(&str, &str)], world: &Universe) -> Vec<String> {
    let solution = solve_lazily(&demands(roots), world).expect("a solution");
    solution.into_iter().map(|(name, version)| format!("{name} {version}")).collect()
}

#[test]
fn the_highest_versions_win() {
    let world = Universe::from([
        package(
            "app",
            vec![candidate("1.0.0", false, &[("lib", "^1")]), candidate("1.1.0", false, &[("lib", "^1.2")])],
        ),
        package(
            "lib",
            vec![
                candidate("1.2.0", false, &[]),
                candidate("1.3.0", false, &[]),
                candidate("1.4.0-rc.1", false, &[]),
                candidate("2.0.0", false, &[]),
            ],
        ),
    ]);
    assert_eq!(solved(&[("app", "*")], &world), ["app 1.1.0", "lib 1.3.0"]);
}

#[test]
fn a_dead_end_goes_back() {
    let world = Universe::from([
        package("app", vec![candidate("1.0.0", false, &[("lib", "^1")]), candidate("2.0.0", false, &[("lib", "^2")])]),
        package("tool", vec![candidate("1.0.0", false, &[("lib", "^1")])]),
        package("lib", vec![candidate("1.0.0", false, &[]), candidate("2.0.0", false, &[])]),
    ]);
    assert_eq!(solved(&[("app", "*"), ("tool", "*")], &world), ["app 1.0.0", "lib 1.0.0", "tool 1.0.0"]);
}

#[test]
fn a_dead_end_goes_back_to_who_brought_it_up() {
    let world = Universe::from([
        package("a", vec![candidate("1.0.0", false, &[])]),
        package("b", vec![candidate("1.0.0", false, &[]), candidate("2.0.0", false, &[("c", "*")])]),
        package("c", vec![candidate("1.0.0", false, &[("a", "^2")])]),
    ]);
    // Only `a` excludes every version of `c`, but another version of `b` does not need `c`.
    assert_eq!(solved(&[("a", "*"), ("b", "*")], &world), ["a 1.0.0", "b 1.0.0"]);
}

#[test]
fn cycles_are_fine() {
    let world = Universe::from([
        package("a", vec![candidate("1.0.0", false, &[("b", "^1")])]),
        package("b", vec![candidate("1.0.0", false, &[("a", "^1"), ("b", "*")])]),
    ]);
    assert_eq!(solved(&[("a", "*")], &world), ["a 1.0.0", "b 1.0.0"]);
}

#[test]
fn a_yanked_version_is_taken_only_where_it_is_named() {
    let world = Universe::from([
        package("a", vec![candidate("1.0.0", false, &[("c", "1.1.0")])]),
        package("b", vec![candidate("1.0.0", false, &[("c", "^1")])]),
        package("c", vec![candidate("1.0.0", false, &[]), candidate("1.1.0", true, &[])]),
    ]);
    assert_eq!(solved(&[("b", "*")], &world), ["b 1.0.0", "c 1.0.0"]);
    assert_eq!(solved(&[("a", "*")], &world), ["a 1.0.0", "c 1.1.0"]);
    // `b` is looked up before it is known that `a` demands exactly its yanked version.
    assert_eq!(solved(&[("a", "*"), ("b", "*")], &world), ["a 1.0.0", "b 1.0.0", "c 1.1.0"]);
}

fn clash(roots: &[(&str, &str)], world: &Universe) -> Clash {
    match solve_lazily(&demands(roots), world) {
        Err(Unsolved::Conflict(clash)) => clash,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clash_names_the_path_to_each_demand() {
    let world = Universe::from([
        package("site", vec![candidate("1.0.0", false, &[("kit", "^2")])]),
        package("kit", vec![candidate("2.0.0", false, &[("framework", "^4")])]),
        package("framework", vec![candidate("4.0.0", false, &[("lib", "^3")])]),
        package("plugin", vec![candidate("1.0.0", false, &[("lib", "^2")])]),
        package("lib", vec![candidate("2.5.0", false, &[]), candidate("3.0.0", false, &[])]),
    ]);
    let told =
        super::super::conflict::conflict(&clash(&[("site", "*"), ("plugin", "*")], &world), &BTreeMap::new()).details();
    let told: Vec<_> = told.into_iter().map(|detail| detail.error).collect();
    assert!(told.contains(&"plugin 1.0.0 needs ^2".to_owned()), "{told:?}");
    let path = "framework 4.0.0 needs ^3 (needed by kit 2.0.0, needed by site 1.0.0)";
    assert!(told.contains(&path.to_owned()), "{told:?}");
}

#[test]
fn another_version_is_advised_only_where_one_helps() {
    let lib = || package("lib", (1..=4).map(|major| candidate(&format!("{major}.0.0"), false, &[])).collect());
    let app = |lowest: &str| {
        let lowest = candidate("1.0.0", false, &[("lib", lowest)]);
        package("app", vec![lowest, candidate("3.0.0", false, &[("lib", "^3")])])
    };
    let agent = || package("agent", vec![candidate("1.0.0", false, &[("lib", "^4")])]);
    let of_app = |world: &Universe| {
        let clash = clash(&[("app", "^3"), ("agent", "*")], world);
        let by_app = |demand: &&Demand| demand.by.as_ref().is_some_and(|(name, _)| name.as_str() == "app");
        clash.demands.iter().find(by_app).expect("a demand").another_helps
    };
    assert!(of_app(&Universe::from([app(">=2"), agent(), lib()])), "1.0.0 accepts 4.0.0");
    assert!(!of_app(&Universe::from([app("^2"), agent(), lib()])), "1.0.0 excludes it, too");
}

#[test]
fn a_clash_names_both_sides() {
    let world = Universe::from([
        package("a", vec![candidate("1.0.0", false, &[("c", "^1")])]),
        package("b", vec![candidate("1.0.0", false, &[("c", "^2")])]),
        package("c", vec![candidate("1.0.0", false, &[]), candidate("2.0.0", false, &[])]),
    ]);
    let unsolved = solve_lazily(&demands(&[("a", "*"), ("b", "*")]), &world).expect_err("a clash");
    let Unsolved::Conflict(clash) = unsolved else { panic!("{unsolved:?}") };
    let by: Vec<_> = clash.demands.iter().map(|demand| demand.by.as_ref().expect("a package").0.as_str()).collect();
    assert_eq!((clash.package.as_str(), by), ("c", vec!["a", "b"]));
}

#[test]
fn a_missing_dependency_is_a_clash() {
    let world = Universe::from([package("a", vec![candidate("1.0.0", false, &[("gone", "^1")])])]);
    let unsolved = solve_lazily(&demands(&[("a", "*")]), &world).expect_err("missing");
    assert!(matches!(unsolved, Unsolved::Conflict(clash) if clash.package.as_str() == "gone"));
}

#[test]
fn the_budget_ends_the_search() {
    let world = Universe::from([package("a", vec![candidate("1.0.0", false, &[])])]);
    assert_eq!(solve_within(5, &demands(&[("a", "*")]), &world).0, Err(Unsolved::OutOfSteps(None)));
}

/// All packages of a world, in the form that the solver takes.
pub(in crate::registry::resolve) fn known(world: &Universe) -> Vec<(PackageName, Option<Vec<VersionSummary>>)> {
    world.iter().map(|(name, versions)| (name.clone(), versions.clone())).collect()
}

/// A search that takes practically forever.
pub(in crate::registry::resolve) fn endless() -> (Roots, Universe) {
    let numbers: Vec<_> = (0..15).map(|number| format!("1.{number}.0")).collect();
    let names: Vec<_> = (0..9).map(|number| format!("p{number}")).collect();
    let mut world =
        Universe::from([package("seen", vec![candidate("1.0.0", false, &[]), candidate("1.0.1", false, &[])])]);
    for (at, name) in names.iter().enumerate() {
        let (free, next) = (format!("free-{name}"), names.get(at + 1));
        let needs = [(&*free, "*"), next.map_or(("seen", "=1.0.0"), |next| (&**next, "*"))];
        world.extend([package(name, numbers.iter().map(|number| candidate(number, false, &needs)).collect())]);
        world.extend([package(&free, numbers.iter().map(|number| candidate(number, false, &[])).collect())]);
    }
    (demands(&[("p0", "*"), ("seen", "=1.0.1")]), world)
}

#[test]
fn a_search_that_is_given_up_tells_what_it_was_stuck_at() {
    let (roots, world) = endless();
    let unsolved = solve_lazily(&roots, &world).expect_err("too much");
    let Unsolved::OutOfSteps(Some(clash)) = unsolved else { panic!("{unsolved:?}") };
    assert_eq!((clash.package.as_str(), clash.demands.len()), ("seen", 2));
}

#[test]
fn a_large_tree_takes_a_small_part_of_the_budget() {
    let number = |major: usize, minor: usize| format!("{major}.{minor}.0");
    let name = |at: usize| format!("p{at:03}");
    let mut world = Universe::new();
    for at in 0..300 {
        let versions = (0..40).map(|version| {
            let (major, minor) = (version / 10, version % 10);
            // Within a major version that does not always contain the newest version.
            let of = (at * 4 + 1..at * 4 + 5).chain([at + 40, at + 90]).filter(|of| *of < 300);
            let needs: Vec<_> = of.map(|of| (name(of), format!("^{}", 3 - of % 3))).collect();
            let needs: Vec<_> = needs.iter().map(|(of, constraint)| (&**of, &**constraint)).collect();
            candidate(&number(major, minor), false, &needs)
        });
        world.extend([package(&name(at), versions.collect())]);
    }
    let (solution, left) = solve_within(BUDGET, &demands(&[("p000", "*")]), &world);
    solution.expect("a solution");
    let used = BUDGET - left;
    assert!(used < BUDGET / 5, "{used} of {BUDGET} were used");
}

/// A number of packages, each of which needs `hub`, and one version of `hub`.
fn wanting_hub(count: usize, constraint: impl Fn(usize) -> String) -> Universe {
    (0..count)
        .map(|at| package(&format!("p{at:03}"), vec![candidate("1.0.0", false, &[("hub", &*constraint(at))])]))
        .collect()
}

fn names_of(world: &Universe) -> Roots {
    world.keys().map(|name| (name.clone(), Constraint::any())).collect()
}

#[test]
fn many_long_constraints_on_one_package_are_answered_within_the_budget() {
    // 31 comparators that exclude only the last version; each list is different.
    let long = |at: usize| {
        let others = (0..30).map(|number| format!(">=0.{}.{}", number % 10, at % 10));
        others.chain([format!("<=1.{}.0", 229 + at)]).collect::<Vec<_>>().join(",")
    };
    let mut world = wanting_hub(400, long);
    world.extend([package("p400", vec![candidate("1.0.0", false, &[("hub", ">=2")])])]);
    let roots = names_of(&world);
    let versions = (0..230).map(|number| candidate(&format!("1.{number}.0"), false, &[]));
    world.extend([package("hub", versions.collect())]);
    let unsolved = solve_lazily(&roots, &world).expect_err("a clash");
    let Unsolved::Conflict(clash) = unsolved else { panic!("{unsolved:?}") };
    let told: Vec<_> = clash.demands.iter().filter_map(|demand| demand.by.as_ref()).map(|by| by.0.as_str()).collect();
    assert_eq!((clash.package.as_str(), told, clash.others), ("hub", vec!["p400"], 400));
    assert_eq!(clash.demands[0].without, Some("1.229.0".parse().expect("version")));
}

#[test]
fn of_many_demands_those_are_told_that_exclude_each_other() {
    let mut world = wanting_hub(40, |at| if at < 20 { ">=1".to_owned() } else { "<1".to_owned() });
    let roots = names_of(&world);
    world.extend([package("hub", vec![candidate("0.1.0", false, &[]), candidate("2.1.0", false, &[])])]);
    let unsolved = solve_lazily(&roots, &world).expect_err("a clash");
    let Unsolved::Conflict(clash) = unsolved else { panic!("{unsolved:?}") };
    let told: Vec<_> = clash.demands.iter().filter_map(|demand| demand.by.as_ref()).map(|by| by.0.as_str()).collect();
    assert_eq!((told, clash.others), (vec!["p000", "p020"], 38));
}

#[test]
fn a_chain_takes_steps_in_proportion_to_its_length() {
    let chain = |length: usize| {
        let mut world = Universe::new();
        for at in 0..length {
            let next = format!("p{:03}", at + 1);
            let needs = [(&*next, "^1")];
            let needs = if at + 1 < length { &needs[..] } else { &[] };
            world.extend([package(&format!("p{at:03}"), vec![candidate("1.0.0", false, needs)])]);
        }
        let (solution, left) = solve_within(BUDGET, &demands(&[("p000", "*")]), &world);
        assert_eq!(solution.expect("a solution").len(), length);
        BUDGET - left
    };
    let (short, long) = (chain(50), chain(500));
    assert!(long <= 10 * short + 100, "{short} steps for 50 packages, {long} for 500");
}

#[test]
fn a_search_ends_when_it_is_cancelled() {
    let cancellation = Cancellation::default();
    let world = wanting_hub(1, |_| "*".to_owned());
    let mut solver = Solver::new(&names_of(&world), Budget::new(BUDGET, cancellation.clone()));
    cancellation.cancel();
    assert_eq!(answer(&mut solver, &world), Err(Unsolved::Cancelled));
    assert_eq!(solver.left(), BUDGET);
}

#[test]
fn who_demands_a_yanked_version_exactly_is_heard_however_late() {
    // `c` is decided before it is known that `b` demands its yanked version.
    let world = Universe::from([
        package("a", vec![candidate("1.0.0", false, &[("b", "*")])]),
        package("b", vec![candidate("1.0.0", false, &[("c", "=1.1.0")])]),
        package("c", vec![candidate("1.0.0", false, &[]), candidate("1.1.0", true, &[])]),
    ]);
    assert_eq!(solved(&[("a", "*"), ("c", "*")], &world), ["a 1.0.0", "b 1.0.0", "c 1.1.0"]);
}

/// Whether `chosen` satisfies every demand and contains nothing that is not needed.
fn is_solution(roots: &Roots, world: &Universe, chosen: &Chosen) -> bool {
    let find = |name: &PackageName| {
        let versions = world.get(name).and_then(Option::as_deref)?;
        versions.iter().find(|candidate| Some(&candidate.version) == chosen.get(name))
    };
    let mut wishes: Vec<(Option<&PackageName>, &PackageName, &Constraint)> =
        roots.iter().map(|(name, constraint)| (None, name, constraint)).collect();
    for name in chosen.keys() {
        let Some(candidate) = find(name) else { return false };
        wishes.extend(candidate.dependencies.iter().map(|(needed, constraint)| (Some(name), needed, constraint)));
    }
    let met = wishes.iter().all(|(_, name, wish)| chosen.get(*name).is_some_and(|version| wish.matches(version)));
    let pinned = chosen.iter().all(|(name, version)| {
        !find(name).is_some_and(|candidate| candidate.yanked)
            || wishes.iter().any(|(by, of, wish)| *by != Some(name) && *of == name && wish.exact() == Some(version))
    });
    let mut reached: BTreeSet<&PackageName> = roots.keys().collect();
    while let Some((_, name, _)) =
        wishes.iter().find(|(by, name, _)| by.is_some_and(|by| reached.contains(by)) && !reached.contains(name))
    {
        reached.insert(name);
    }
    met && pinned && reached.len() == chosen.len()
}

/// Every choice of at most one version of each package.
fn all_choices(world: &Universe) -> Vec<Chosen> {
    world.iter().fold(vec![Chosen::new()], |choices, (name, versions)| {
        let with = |choice: &Chosen, candidate: &VersionSummary| {
            let mut choice = choice.clone();
            choice.insert(name.clone(), candidate.version.clone());
            choice
        };
        let versions = || versions.iter().flatten();
        choices
            .iter()
            .flat_map(|choice| {
                std::iter::once(choice.clone()).chain(versions().map(move |version| with(choice, version)))
            })
            .collect()
    })
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "missing"];
const VERSIONS: [&str; 4] = ["1.0.0", "1.1.0", "2.0.0", "2.1.0-rc.1"];
const CONSTRAINTS: [&str; 9] = ["*", "^1", "^2", "1.0.0", "1.1.0", "2.0.0", ">=1.1.0", "<2.0.0", ">=2.1.0-rc.0"];

fn wishes(at_most: usize) -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    // The missing package is rare; otherwise most worlds would have no solution.
    let name = prop_oneof![20 => prop::sample::select(&NAMES[..4]), 1 => Just(NAMES[4])];
    prop::collection::vec((name, prop::sample::select(&CONSTRAINTS[..])), 0..=at_most)
}

fn worlds() -> impl Strategy<Value = Universe> {
    let version = (prop::bool::weighted(0.2), wishes(2));
    let versions = prop::collection::btree_map(prop::sample::select(&VERSIONS[..]), version, 1..=3);
    prop::collection::vec(versions, 4).prop_map(|packages| {
        let named = NAMES.iter().zip(packages);
        named
            .map(|(name, versions)| {
                let candidates = versions.iter().map(|(text, (yanked, needs))| candidate(text, *yanked, needs));
                package(name, candidates.collect())
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_solution_is_found_exactly_where_there_is_one(world in worlds(), roots in wishes(3)) {
        let roots = demands(&roots);
        let solution = solve_lazily(&roots, &world);
        prop_assert_eq!(&solution, &solve_lazily(&roots, &world), "the same question has two answers");
        match solution {
            Ok(chosen) => prop_assert!(is_solution(&roots, &world, &chosen), "{chosen:?}"),
            Err(Unsolved::Conflict(clash)) => {
                prop_assert!(!clash.demands.is_empty());
                let missed = all_choices(&world).into_iter().find(|choice| is_solution(&roots, &world, choice));
                prop_assert_eq!(missed, None, "the solver saw only {:?}", clash);
            }
            Err(unsolved) => prop_assert!(false, "{unsolved:?}"),
        }
    }
}
