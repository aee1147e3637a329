use std::collections::HashSet;

use aam_registry_core::types::{ArtifactType, PackageName};

use super::{
    random::Random,
    releases::{self, Release},
    size::Size,
    words,
};

/// A package that is the same in registries of every size.
pub(crate) const SAMPLE: &str = "growth-sample";
const SAMPLE_RELEASES: u64 = 10;
/// The most versions of a package.
const MOST_RELEASES: u64 = 1_000;
/// How many archives are on disk, spread over the registry.
const ARCHIVES: usize = 10_000;

/// A generated registry before it is written to a database.
#[derive(Debug)]
pub(crate) struct Dataset {
    pub(super) users: Vec<String>,
    /// Scopes that are not a user's own, each with the index of its owner.
    pub(super) teams: Vec<(String, usize)>,
    pub(super) packages: Vec<Package>,
    /// The indices of package and release of every version; the id is the position, from 1.
    pub(super) order: Vec<(u32, u32)>,
}

/// A package with the contents of its manifests.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(super) id: i64,
    pub(super) name: PackageName,
    /// The index of the user who publishes it.
    pub(super) owner: usize,
    pub(super) description: String,
    pub(super) author: Option<String>,
    pub(super) keywords: Vec<String>,
    pub(super) artifacts: Vec<(ArtifactType, String)>,
    /// The indices of packages it depends on.
    pub(super) dependencies: Vec<usize>,
    pub(super) releases: Vec<Release>,
}

impl Dataset {
    pub(crate) fn new(size: Size) -> Self {
        let users: Vec<_> = (0..(size.packages / 20).max(1)).map(user).collect();
        let teams: Vec<_> = (0..size.packages / 50).map(|index| team(index, users.len())).collect();
        let mut taken = HashSet::new();
        let counts = releases_of_each(size);
        let mut packages = Vec::with_capacity(counts.len());
        for (index, count) in (0..).zip(counts) {
            let package = if index == 0 { sample(count) } else { package(index, count, &users, &teams, &mut taken) };
            packages.push(package);
        }
        let mut dataset = Self { users, teams, packages, order: Vec::new() };
        dataset.put_in_order();
        dataset
    }

    /// Assigns ids to all versions in the order in which they were published.
    fn put_in_order(&mut self) {
        let indices = |(package, one): (u32, &Package)| {
            (0..).zip(&one.releases).map(move |(release, one)| (one.published_at, package, release)).collect::<Vec<_>>()
        };
        let mut order: Vec<_> = (0..).zip(&self.packages).flat_map(indices).collect();
        order.sort_unstable();
        self.order = order.into_iter().map(|(_, package, release)| (package, release)).collect();
        for (id, (package, release)) in (1..).zip(&self.order) {
            self.packages[*package as usize].releases[*release as usize].id = id;
        }
    }

    /// Every version by id, with its package.
    pub(super) fn versions(&self) -> impl Iterator<Item = (&Package, &Release)> {
        self.order.iter().map(|(package, release)| {
            let package = &self.packages[*package as usize];
            (package, &package.releases[*release as usize])
        })
    }

    /// Whether the archive of a version is on disk.
    pub(super) fn has_archive(&self, package: &Package, release: &Release) -> bool {
        let every = i64::try_from((self.order.len() / ARCHIVES).max(1)).unwrap_or(1);
        package.name.as_str() == SAMPLE || release.id % every == 0
    }

    /// The names and versions whose archive is on disk, spread over the registry.
    pub(crate) fn spread(&self) -> Vec<(String, String)> {
        let with_archive = self.versions().filter(|(package, release)| self.has_archive(package, release));
        with_archive.map(|(package, release)| (package.name.to_string(), release.version.to_string())).collect()
    }
}

impl Package {
    pub(super) fn downloads(&self) -> u64 {
        self.releases.iter().map(|release| release.downloads).sum()
    }

    /// When any part of it last changed.
    pub(super) fn updated_at(&self) -> i64 {
        self.releases.last().map_or(0, |release| release.published_at)
    }

    pub(super) fn created_at(&self) -> i64 {
        self.releases.first().map_or(0, |release| release.published_at)
    }
}

/// How many versions each package has: a few have many, all have one.
fn releases_of_each(size: Size) -> Vec<u64> {
    let sample = SAMPLE_RELEASES.min(size.versions - (size.packages - 1));
    let mut counts = vec![1; usize::try_from(size.packages).unwrap_or(usize::MAX)];
    counts[0] = sample;
    let mut left = size.versions - sample - (size.packages - 1);
    let mut random = Random::of("releases of each", 0);
    let others = counts.len() - 1;
    if others == 0 {
        counts[0] += left;
        return counts;
    }
    while left > 0 {
        // If the most popular packages have reached the maximum, the next ones get more.
        let start = 1 + usize::try_from(random.below(others as u64)).unwrap_or(0);
        let rank = 1 + random.skewed(others);
        let more = (1 + MOST_RELEASES / 20 / rank as u64).min(left);
        let room =
            (0..others).map(|step| 1 + (start - 1 + step) % others).find(|at| counts[*at] + more <= MOST_RELEASES);
        // If no package can take more versions, the requested size is unusual, and one package takes
        // them all.
        let at = room.unwrap_or(1);
        counts[at] += more;
        left -= more;
    }
    counts
}

fn user(index: u64) -> String {
    if index == 0 {
        return "scale".to_owned();
    }
    let name = words::person(&mut Random::of("user", index));
    format!("{name}{index}")
}

fn team(index: u64, users: usize) -> (String, usize) {
    let mut random = Random::of("team", index);
    let name = format!("{}-{}-{index}", words::common(&mut random), words::person(&mut random));
    (name, random.skewed(users))
}

fn sample(count: u64) -> Package {
    Package {
        id: 1,
        name: SAMPLE.parse().expect("a name"),
        owner: 0,
        description: "The package that is the same in registries of every size".to_owned(),
        author: Some("scale".to_owned()),
        keywords: vec!["growth".to_owned(), "sample".to_owned()],
        artifacts: vec![(ArtifactType::Skill, "noise".to_owned())],
        dependencies: Vec::new(),
        releases: releases::plain(count),
    }
}

fn package(
    index: u64,
    count: u64,
    users: &[String],
    teams: &[(String, usize)],
    taken: &mut HashSet<String>,
) -> Package {
    let mut random = Random::of("package", index);
    let (prefix, owner) = match (random.below(10), teams) {
        (0..3, [_, ..]) => {
            let (team, owner) = &teams[random.skewed(teams.len())];
            (format!("@{team}/"), *owner)
        }
        (3..6, _) => {
            let owner = random.skewed(users.len());
            (format!("@{}/", users[owner]), owner)
        }
        _ => (String::new(), random.skewed(users.len())),
    };
    let name = unlike_others(&prefix, &words::name(&mut random), index, taken);
    // A few packages are downloaded very often, most rarely.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most ten million and not negative")]
    let downloads = (10.0 * random.unit().max(1e-6).powf(-1.2)) as u64;
    let length = random.below(14) + 3;
    let keywords = (0..=random.below(5)).map(|_| words::common(&mut random).to_owned());
    let mut keywords: Vec<_> = keywords.collect();
    keywords.sort_unstable();
    keywords.dedup();
    let artifacts = (0..=random.below(3)).map(|at| {
        let kind = ArtifactType::ALL[random.skewed(ArtifactType::ALL.len())];
        (kind, format!("{}-{at}", words::word(&mut random)))
    });
    let artifacts = artifacts.collect();
    let author = random.chance(0.9).then(|| users[owner].clone());
    let description = words::sentence(&mut random, length);
    let earlier = usize::try_from(index).unwrap_or(usize::MAX);
    let mut dependencies: Vec<_> =
        if random.chance(0.4) { (0..random.below(4)).map(|_| random.skewed(earlier)).collect() } else { Vec::new() };
    dependencies.sort_unstable();
    dependencies.dedup();
    Package {
        id: i64::try_from(index + 1).unwrap_or(i64::MAX),
        name: name.parse().unwrap_or_else(|_| unreachable!("`{name}` is no name")),
        owner,
        description,
        author,
        keywords,
        artifacts,
        dependencies,
        releases: releases::of_project(&mut random, count, downloads),
    }
}

/// A full name that no other package has; an unscoped one also differs without its hyphens.
fn unlike_others(prefix: &str, name: &str, index: u64, taken: &mut HashSet<String>) -> String {
    let full = format!("{prefix}{name}");
    let key = |full: &str| if prefix.is_empty() { full.replace('-', "") } else { full.to_owned() };
    if taken.insert(key(&full)) {
        return full;
    }
    let numbered = format!("{full}-{index}");
    taken.insert(key(&numbered));
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_has_as_much_as_it_should() {
        for (packages, versions) in [(1, 1), (1, 10), (1, 500), (3, 5000), (200, 2000), (50, 50)] {
            let dataset = Dataset::new(Size::new(packages, versions));
            assert_eq!((dataset.packages.len() as u64, dataset.order.len() as u64), (packages, versions));
            let ids: Vec<_> = dataset.versions().map(|(_, release)| release.id).collect();
            assert!(ids.is_sorted() && ids[0] == 1, "{packages} {versions}");
        }
    }

    #[test]
    fn no_name_is_taken_twice() {
        let dataset = Dataset::new(Size::new(5_000, 5_000));
        let names: HashSet<_> = dataset.packages.iter().map(|package| package.name.as_str()).collect();
        let unscoped = dataset.packages.iter().filter(|package| package.name.scope().is_none());
        let keys: Vec<_> = unscoped.map(|package| package.name.similarity_key()).collect();
        assert_eq!(names.len(), 5_000);
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
    }

    #[test]
    fn the_sample_is_the_same_in_all() {
        let [small, large] = [Size::new(1, 10), Size::new(100, 1_000)].map(Dataset::new);
        let [small, large] = [&small, &large].map(|dataset| format!("{:?}", dataset.packages[0]));
        assert_eq!(small, large);
    }

    #[test]
    fn the_same_size_is_the_same_registry() {
        let [one, other] = [(); 2].map(|()| format!("{:?}", Dataset::new(Size::new(50, 500))));
        assert_eq!(one, other);
    }
}
