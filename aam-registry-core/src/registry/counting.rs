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
    types::{ArchiveKey, DownloadCount, PackageName, Version, VersionDetail},
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
    waiting: tokio::sync::Mutex<Counts>,
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
    pub(super) fn count(&self, version: &VersionDetail, now: Timestamp) {
        let day = Offset::UTC.to_datetime(now).date();
        let mut shard = self.shards[own_shard()].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = shard.get_mut(&version.archive) {
            return counted.add(day);
        }
        if shard.len() < MAX_PER_SHARD {
            let mut counted = Counted {
                package: version.package.clone(),
                version: version.summary.version.clone(),
                days: Vec::new(),
            };
            counted.add(day);
            shard.insert(version.archive.clone(), counted);
        } else {
            metrics::counter!("aam_downloads_uncounted_total").increment(1);
        }
    }

    /// Gives what was counted to `store`.
    pub(super) async fn flush(&self, store: &Arc<dyn DownloadStore>) -> Result<()> {
        let mut waiting = self.waiting.lock().await;
        loop {
            self.gather(&mut waiting);
            if waiting.is_empty() {
                return Ok(());
            }
            // Out of `waiting` before the store is asked: a call that is dropped midway must not be repeated.
            let rest = waiting.keys().nth(BATCH).cloned().map(|key| waiting.split_off(&key)).unwrap_or_default();
            let batch = mem::replace(&mut *waiting, rest);
            let rows = batch
                .iter()
                .map(|((package, version, day), count)| DownloadCount {
                    package: package.clone(),
                    version: version.clone(),
                    day: *day,
                    count: *count,
                })
                .collect();
            if let Err(error) = store.add_downloads(&rows).await {
                if may_be_repeated(&error) {
                    waiting.extend(batch);
                }
                return Err(error);
            }
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

/// Whether the same batch may and should be given to the store again.
fn may_be_repeated(error: &Error) -> bool {
    match error {
        Error::Backend(backend) => backend.outcome == Outcome::NotApplied && backend.retry,
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
