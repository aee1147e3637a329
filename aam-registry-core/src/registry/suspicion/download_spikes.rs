use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::types::PackageName;

/// Fewer downloads in a stretch are no spike.
const LEAST: u64 = 1_000;
/// How many times the usual number is a spike.
const TIMES: u64 = 10;
/// How many stretches the usual number is about.
const MEMORY: u64 = 10;
/// The most packages that are watched.
const MOST: usize = 65_536;

/// Packages that are suddenly downloaded far more often than before.
#[derive(Debug, Default)]
pub(super) struct DownloadSpikes(Mutex<Watched>);

#[derive(Debug, Default)]
struct Watched {
    /// When the stretch of time began that is counted now.
    begun: Option<Timestamp>,
    now: HashMap<PackageName, u64>,
    /// How often packages are usually downloaded in a stretch; `None` before the first stretch is over.
    usual: Option<HashMap<PackageName, u64>>,
}

/// A package that was downloaded far more often than usual.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spike {
    pub(super) package: PackageName,
    pub(super) count: u64,
    pub(super) usual: u64,
}

impl DownloadSpikes {
    /// How long a stretch is.
    pub(super) const MINUTES: i64 = 10;

    /// Notes downloads until `now`. When a stretch is over, tells the spikes in it.
    pub(super) fn note(&self, counted: impl IntoIterator<Item = (PackageName, u64)>, now: Timestamp) -> Vec<Spike> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (package, count) in counted {
            if watched.now.len() < MOST || watched.now.contains_key(&package) {
                *watched.now.entry(package).or_default() += count;
            }
        }
        let begun = *watched.begun.get_or_insert(now);
        if now.duration_since(begun).abs() < SignedDuration::from_mins(Self::MINUTES) {
            return Vec::new();
        }
        watched.begun = Some(now);
        watched.end_stretch()
    }
}

impl Watched {
    fn end_stretch(&mut self) -> Vec<Spike> {
        let mut counts = mem::take(&mut self.now);
        // What is usual is not known yet.
        let Some(usual) = &mut self.usual else {
            self.usual = Some(counts);
            return Vec::new();
        };
        let mut spikes = Vec::new();
        for (package, &count) in &counts {
            let usual = usual.get(package).copied().unwrap_or(0);
            if count >= LEAST && count >= usual.saturating_mul(TIMES) {
                spikes.push(Spike { package: package.clone(), count, usual });
            }
        }
        usual.retain(|package, usual| {
            *usual = (*usual * (MEMORY - 1) + counts.remove(package).unwrap_or(0)) / MEMORY;
            *usual > 0
        });
        let room = MOST.saturating_sub(usual.len());
        usual.extend(counts.into_iter().map(|(package, count)| (package, count.div_ceil(MEMORY))).take(room));
        spikes.sort_by(|a, b| a.package.cmp(&b.package));
        spikes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kit() -> PackageName {
        "kit".parse().expect("a name")
    }

    /// What is told at the end of each stretch with so many downloads.
    fn told(counts: &[u64]) -> Vec<Vec<(u64, u64)>> {
        let spikes = DownloadSpikes::default();
        let mut now = Timestamp::UNIX_EPOCH;
        assert_eq!(spikes.note([], now), []);
        let stretch = |count: &u64| {
            now += SignedDuration::from_mins(DownloadSpikes::MINUTES);
            let told = spikes.note([(kit(), *count)], now);
            told.into_iter().map(|spike| (spike.count, spike.usual)).collect()
        };
        counts.iter().map(stretch).collect()
    }

    #[test]
    fn a_spike_is_far_more_than_usual_and_not_few() {
        assert_eq!(told(&[5000, 5000, 6000, 49_000]), vec![vec![]; 4], "much, as usual");
        assert_eq!(told(&[10, 999]), vec![vec![]; 2], "ten times more, and still few");
        assert_eq!(told(&[100, 1000]), [vec![], vec![(1000, 100)]]);
        assert_eq!(told(&[0, 2000]), [vec![], vec![(2000, 0)]], "a package that nobody knew");
        assert_eq!(told(&[5000]), [vec![]], "nothing is known of a registry that just began");
    }

    #[test]
    fn what_goes_on_becomes_usual() {
        let told = told(&[0, 2000, 2000, 2000]);
        assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 1, 0]);
    }
}
