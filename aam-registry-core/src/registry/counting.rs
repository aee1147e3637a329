//! Counting downloads without waiting for a store or for one another.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::{Timestamp, civil::Date, tz::Offset};

use crate::{
    error::{Error, Outcome, Result},
    ports::DownloadStore,
    types::{ArchiveKey, ArchiveLocation, DownloadBatch, DownloadCount, PackageName, Version},
};

const SHARDS: usize = 16;
/// The most versions one shard counts between two flushes; more are dropped.
const MAX_PER_SHARD: usize = 16_384;
/// The most counts kept while the store fails; more stay in the shards.
const MAX_WAITING: usize = 65_536;
/// The most counts given to the store at once.
const BATCH: usize = 1_000;

/// Counts downloads by version and UTC day until they are stored.
///
/// Each thread counts in a shard of its own, so that no lock is contended by
/// more than the threads that happen to share one and the flush.
#[derive(Debug, Default)]
pub(super) struct DownloadCounter {
    shards: [Mutex<Shard>; SHARDS],
    waiting: tokio::sync::Mutex<Waiting>,
}

/// What the shards gave and no store has yet.
#[derive(Debug, Default)]
struct Waiting {
    /// Given to the store before, with an unknown end.
    batch: Option<DownloadBatch>,
    counts: Counts,
}

/// An archive is one version's, so that its key finds the count without a copy of the name.
type Shard = HashMap<ArchiveKey, Counted>;
type Counts = BTreeMap<(PackageName, Version, Date), u64>;

#[derive(Debug)]
struct Counted {
    package: PackageName,
    version: Version,
    /// By day; more than one only around midnight.
    days: Vec<(Date, u64)>,
}

impl DownloadCounter {
    /// Counts one download at `now`.
    pub(super) fn count(&self, location: &ArchiveLocation, now: Timestamp) {
        let day = Offset::UTC.to_datetime(now).date();
        let mut shard = self.shards[own_shard()].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = shard.get_mut(&location.archive) {
            return counted.add(day);
        }
        if shard.len() < MAX_PER_SHARD {
            let mut counted =
                Counted { package: location.package.clone(), version: location.version.clone(), days: Vec::new() };
            counted.add(day);
            shard.insert(location.archive.clone(), counted);
        } else {
            metrics::counter!("aam_downloads_uncounted_total").increment(1);
        }
    }

    /// Gives what was counted to `store`.
    pub(super) async fn flush(&self, store: &Arc<dyn DownloadStore>, now: Timestamp) -> Result<()> {
        let mut waiting = self.waiting.lock().await;
        loop {
            self.gather(&mut waiting.counts);
            if waiting.batch.is_none() {
                waiting.batch = next_batch(&mut waiting.counts, now);
            }
            let Some(batch) = &waiting.batch else { return Ok(()) };
            // The batch stays where it is until its fate is known: its id makes another try harmless.
            let added = store.add_downloads(batch).await;
            if added.as_ref().err().is_none_or(|error| !may_be_repeated(error)) {
                waiting.batch = None;
            }
            added?;
        }
    }

    fn gather(&self, waiting: &mut Counts) {
        for shard in &self.shards {
            if waiting.len() >= MAX_WAITING {
                return;
            }
            let counted = mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner));
            for Counted { package, version, days } in counted.into_values() {
                for (day, count) in days {
                    *waiting.entry((package.clone(), version.clone(), day)).or_default() += count;
                }
            }
        }
    }
}

impl Counted {
    fn add(&mut self, day: Date) {
        match self.days.iter_mut().find(|(of, _)| *of == day) {
            Some((_, count)) => *count += 1,
            None => self.days.push((day, 1)),
        }
    }
}

/// Takes what fits a batch out of `counts`; `None` where there is nothing.
fn next_batch(counts: &mut Counts, now: Timestamp) -> Option<DownloadBatch> {
    let rest = counts.keys().nth(BATCH).cloned().map(|key| counts.split_off(&key)).unwrap_or_default();
    let batch = mem::replace(counts, rest);
    let counts: Vec<_> = batch
        .into_iter()
        .map(|((package, version, day), count)| DownloadCount { package, version, day, count })
        .collect();
    (!counts.is_empty()).then(|| DownloadBatch::new(now, counts))
}

/// Whether the same batch should be given to the store again.
fn may_be_repeated(error: &Error) -> bool {
    match error {
        Error::Backend(backend) => match backend.outcome {
            Outcome::NotApplied => backend.retry,
            Outcome::Unknown => true,
            Outcome::Applied => false,
        },
        Error::Overloaded => true,
        _ => false,
    }
}

fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    SHARD.with(|shard| *shard)
}
