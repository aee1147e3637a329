use aam_registry_core::types::{LatestPolicy, Version};

use super::random::Random;

/// One version of a package.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    /// Its position in the order of all publishes, from 1.
    pub(crate) id: i64,
    pub(crate) version: Version,
    /// Microseconds since 1970.
    pub(crate) published_at: i64,
    pub(crate) is_yanked: bool,
    pub(crate) is_deprecated: bool,
    pub(crate) downloads: u64,
}

/// 2023-01-01, when the first package was published.
pub(super) const FIRST: i64 = 1_672_531_200_000_000;
/// Three years in microseconds, during which packages were published.
pub(super) const SPAN: i64 = 94_608_000_000_000;

/// The versions of the sample package: a week apart, before all others, all alike.
pub(super) fn plain(count: u64) -> Vec<Release> {
    let release = |at: u64| Release {
        id: 0,
        version: version(1, at, 0),
        published_at: FIRST - SPAN + i64::try_from(at).unwrap_or_default() * 604_800_000_000,
        is_yanked: false,
        is_deprecated: false,
        downloads: 0,
    };
    (0..count).map(release).collect()
}

/// Typical versions of a project: many patches, some features, few breaking changes, some release
/// candidates, and one in a hundred yanked.
pub(super) fn of_project(random: &mut Random, count: u64, downloads: u64) -> Vec<Release> {
    let (mut major, mut minor, mut patch) = if random.chance(0.6) { (0, 1, 0) } else { (1, 0, 0) };
    let start = random.below(u64::try_from(SPAN).unwrap_or(1));
    let left = SPAN.unsigned_abs() - start;
    let mut candidates = 0;
    let mut releases = Vec::new();
    for at in 0..count {
        let is_candidate = random.chance(0.03);
        candidates = if is_candidate { candidates + 1 } else { 0 };
        let number = version(major, minor, patch);
        let version = if is_candidate { candidate(&number, candidates) } else { number };
        // Newer versions have more of the downloads.
        let share = downloads * (at + 1) * 2 / (count * (count + 1));
        releases.push(Release {
            id: 0,
            version,
            published_at: FIRST
                + i64::try_from(start + left / count * at + random.below((left / count).max(1))).unwrap_or(0),
            is_yanked: random.chance(0.01),
            is_deprecated: random.chance(0.01),
            downloads: share,
        });
        if is_candidate {
            continue;
        }
        match random.below(20) {
            0 => (major, minor, patch) = (major + 1, 0, 0),
            1..7 => (minor, patch) = (minor + 1, 0),
            _ => patch += 1,
        }
    }
    releases
}

fn version(major: u64, minor: u64, patch: u64) -> Version {
    format!("{major}.{minor}.{patch}").parse().expect("three numbers are a version")
}

fn candidate(version: &Version, number: u64) -> Version {
    format!("{version}-rc.{number}").parse().expect("a candidate is a version")
}

/// The index of the release that `latest` names.
pub(super) fn latest(releases: &[Release]) -> Option<usize> {
    let visible = releases.iter().filter(|release| !release.is_yanked).map(|release| &release.version);
    let picked = LatestPolicy::Highest.pick(visible)?;
    releases.iter().position(|release| release.version == *picked)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_version_comes_twice() {
        for index in 0..200 {
            let releases = of_project(&mut Random::of("releases", index), 300, 10_000);
            let versions: BTreeSet<_> = releases.iter().map(|release| release.version.key()).collect();
            assert_eq!(versions.len(), releases.len());
            assert!(releases.is_sorted_by_key(|release| release.published_at));
        }
    }

    #[test]
    fn latest_is_what_the_registry_would_pick() {
        let mut releases = plain(3);
        assert_eq!(latest(&releases), Some(2));
        releases[2].is_yanked = true;
        assert_eq!(latest(&releases), Some(1));
        for release in &mut releases {
            release.is_yanked = true;
        }
        assert_eq!(latest(&releases), None);
    }
}
