//! Counts downloads without waiting for the database or contending for a lock.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use jiff::{Timestamp, civil::Date, tz::Offset};
use metrics::Counter;

use super::logged_reads::{Downloaded, Reads};
use crate::{
    error::{Error, Outcome, Result},
    ports::DownloadStore,
    types::{ArchiveLocation, DownloadBatch, DownloadCount, NewAuditEntry, PackageName, Version},
};

const SHARDS: usize = 16;
/// The most versions that one shard counts between two flushes; counts of further versions are dropped.
const MAX_PER_SHARD: usize = 16_384;
/// The most counts kept while the store fails; further counts stay in their tallies.
const MAX_WAITING: usize = 65_536;
/// The most counts in one batch for the store.
const BATCH: usize = 1_000;
const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// Counts the downloads of one version: each download adds to a number, which the flush takes.
///
/// A version may have several tallies; their counts add up.
pub struct DownloadTally {
    package: PackageName,
    version: Version,
    is_private: bool,
    /// Whether not everybody sees the version who sees the package.
    is_withheld: bool,
    counted: AtomicU64,
}

/// The downloads of one day in the number of a tally: 24 bits for the days since 1970, then 40 bits for
/// the downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counted(u64);

impl Counted {
    const NONE: Self = Self(0);
    const COUNT_BITS: u32 = 40;

    fn one(day: u32) -> Self {
        Self(u64::from(day) << Self::COUNT_BITS | 1)
    }

    fn day(self) -> i64 {
        (self.0 >> Self::COUNT_BITS).cast_signed()
    }

    fn count(self) -> u64 {
        self.0 & ((1 << Self::COUNT_BITS) - 1)
    }

    fn date(self) -> Date {
        let noon = self.day() * SECONDS_A_DAY + SECONDS_A_DAY / 2;
        Offset::UTC.to_datetime(Timestamp::from_second(noon).unwrap_or_default()).date()
    }
}

impl DownloadTally {
    pub(super) fn new(location: &ArchiveLocation) -> Self {
        Self {
            package: location.package.clone(),
            version: location.version.clone(),
            is_private: location.visibility.is_private(),
            is_withheld: !location.status.is_open(),
            counted: AtomicU64::new(Counted::NONE.0),
        }
    }

    /// Adds a download on `day`; returns the number before.
    fn add(&self, day: u32) -> Counted {
        let one = Counted::one(day);
        let next = |before| {
            let before = Counted(before);
            let goes_on = before != Counted::NONE && before.day() == one.day();
            Some(if goes_on { before.0 + 1 } else { one.0 })
        };
        let before = self.counted.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next);
        before.map_or(Counted::NONE, Counted)
    }

    /// What `counted` of this tally says, where it was `reader` who downloaded.
    fn downloaded(&self, reader: Option<String>, counted: Counted) -> Downloaded {
        let Self { package, version, is_private, .. } = self;
        Downloaded {
            package: package.clone(),
            version: version.clone(),
            is_private: *is_private,
            reader,
            counts: true,
            day: counted.date(),
        }
    }

    fn take(&self) -> Counted {
        Counted(self.counted.swap(Counted::NONE.0, Ordering::AcqRel))
    }
}

impl fmt::Debug for DownloadTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = Counted(self.counted.load(Ordering::Relaxed));
        f.debug_struct("DownloadTally")
            .field("package", &self.package)
            .field("version", &self.version)
            .field("counted", &counted.count())
            .finish_non_exhaustive()
    }
}

/// Collects the counts of tallies until they are stored.
///
/// The first download of a version after a flush takes the lock of a shard that few threads share; all
/// others only add to a number.
#[derive(Debug, Default)]
pub(super) struct DownloadCounter {
    /// The tallies with counts.
    touched: [Mutex<Vec<Arc<DownloadTally>>>; SHARDS],
    /// Counts that are not in a tally: of past days, of downloads without a tally, and of known readers.
    aside: [Mutex<BTreeMap<Downloaded, u64>>; SHARDS],
    /// Whether the audit log is to have the downloads.
    logs_reads: bool,
    waiting: tokio::sync::Mutex<Waiting>,
    total: OnceLock<Total>,
}

/// Counts that are not stored yet.
#[derive(Debug, Default)]
struct Waiting {
    /// A batch that may or may not have been stored.
    batch: Option<DownloadBatch>,
    counts: Counts,
    /// What the audit log does not have yet.
    reads: Reads,
    /// Downloads since somebody asked for them.
    gathered: HashMap<PackageName, u64>,
}

type Counts = BTreeMap<(PackageName, Version, Date), u64>;

struct Total(Counter);

impl fmt::Debug for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Total(..)")
    }
}

impl DownloadCounter {
    /// A counter that gathers the downloads for the audit log, too, if `logs_reads`.
    pub(super) fn new(logs_reads: bool) -> Self {
        Self { logs_reads, ..Self::default() }
    }

    /// Counts one download at `now`. One of a version that is withheld from others counts for nothing that they see: the
    /// totals of a package tell nobody that there is such a version.
    pub(super) fn count(&self, tally: &Arc<DownloadTally>, now: Timestamp) {
        if tally.is_withheld {
            return self.note_read(tally, None, now);
        }
        self.count_in_total();
        let today = day(now);
        let before = tally.add(today);
        if before == Counted::NONE {
            self.touch(tally);
        } else if before.day() != i64::from(today) {
            self.put_aside(tally.downloaded(None, before), before.count());
        }
    }

    /// Counts one download at `now` by `reader`.
    pub(super) fn count_by(&self, tally: &Arc<DownloadTally>, reader: &str, now: Timestamp) {
        if tally.is_withheld {
            return self.note_read(tally, Some(reader), now);
        }
        if !self.logs_reads {
            return self.count(tally, now);
        }
        self.count_in_total();
        let one = Counted::one(day(now));
        self.put_aside(tally.downloaded(Some(reader.to_owned()), one), one.count());
    }

    /// Notes for the audit log that `reader` was sent bytes at `now` which count as no download.
    pub(super) fn note_read(&self, tally: &Arc<DownloadTally>, reader: Option<&str>, now: Timestamp) {
        if self.logs_reads {
            let one = Counted::one(day(now));
            let read = tally.downloaded(reader.map(str::to_owned), one);
            self.put_aside(Downloaded { counts: false, ..read }, one.count());
        }
    }

    /// Counts one download at `now` of a version without a tally.
    pub(super) fn count_once(&self, location: &ArchiveLocation, now: Timestamp) {
        if location.status.is_open() {
            self.count_in_total();
            let one = Counted::one(day(now));
            self.put_aside(DownloadTally::new(location).downloaded(None, one), one.count());
        }
    }

    fn count_in_total(&self) {
        self.total.get_or_init(|| Total(metrics::counter!("aam_downloads_total"))).0.increment(1);
    }

    fn touch(&self, tally: &Arc<DownloadTally>) {
        let mut touched = lock(&self.touched[own_shard()]);
        if touched.len() < MAX_PER_SHARD {
            touched.push(Arc::clone(tally));
        } else {
            drop(touched);
            uncounted(tally.take().count());
        }
    }

    fn put_aside(&self, downloaded: Downloaded, count: u64) {
        let mut aside = lock(&self.aside[own_shard()]);
        if aside.len() < MAX_PER_SHARD {
            *aside.entry(downloaded).or_default() += count;
        } else {
            uncounted(count);
        }
    }

    /// Stores what was counted until now. Counts of downloads that end meanwhile are left for the next
    /// flush; otherwise a flush of a busy registry would never end.
    pub(super) async fn flush(&self, store: &Arc<dyn DownloadStore>, now: Timestamp) -> Result<()> {
        let mut waiting = self.waiting.lock().await;
        loop {
            let gathered_all = self.gather(&mut waiting);
            waiting.give(store, now).await?;
            if gathered_all {
                return Ok(());
            }
        }
    }

    /// Takes the counts of the tallies; returns whether `waiting` had room for all.
    fn gather(&self, waiting: &mut Waiting) -> bool {
        for shard in &self.aside {
            if waiting.is_full() {
                return false;
            }
            for (downloaded, count) in mem::take(&mut *lock(shard)) {
                waiting.add(downloaded, count, self.logs_reads);
            }
        }
        for shard in &self.touched {
            if waiting.is_full() {
                return false;
            }
            for tally in mem::take(&mut *lock(shard)) {
                let counted = tally.take();
                // Another thread may have taken its count just before the tally was taken here.
                if counted != Counted::NONE {
                    waiting.add(tally.downloaded(None, counted), counted.count(), self.logs_reads);
                }
            }
        }
        true
    }

    /// The downloads of packages that flushes gathered since the last call.
    pub(super) async fn gathered(&self) -> HashMap<PackageName, u64> {
        mem::take(&mut self.waiting.lock().await.gathered)
    }

    /// The entries that the audit log does not have yet, with those of the downloads until `now`. They are given again
    /// until they are [logged](Self::logged).
    pub(super) async fn reads_to_log(&self, now: Timestamp) -> Vec<NewAuditEntry> {
        self.waiting.lock().await.reads.due(now)
    }

    /// Forgets an entry that the audit log has.
    pub(super) async fn logged(&self, entry: &NewAuditEntry) {
        self.waiting.lock().await.reads.logged(entry);
    }
}

impl Waiting {
    fn is_full(&self) -> bool {
        self.counts.len() >= MAX_WAITING
    }

    fn add(&mut self, downloaded: Downloaded, count: u64, logs_reads: bool) {
        if logs_reads {
            self.reads.add(&downloaded, count);
        }
        let Downloaded { package, version, day, counts, .. } = downloaded;
        if !counts {
            return;
        }
        *self.gathered.entry(package.clone()).or_default() += count;
        *self.counts.entry((package, version, day)).or_default() += count;
    }

    /// Stores all counts that wait.
    async fn give(&mut self, store: &Arc<dyn DownloadStore>, now: Timestamp) -> Result<()> {
        loop {
            if self.batch.is_none() {
                self.batch = next_batch(&mut self.counts, now);
            }
            let Some(batch) = &self.batch else { return Ok(()) };
            // Keep the batch until its outcome is known: because of its id it counts once even if it is
            // stored again.
            let added = store.add_downloads(batch).await;
            if added.as_ref().err().is_none_or(|error| !may_be_repeated(error)) {
                self.batch = None;
            }
            added?;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn uncounted(downloads: u64) {
    metrics::counter!("aam_downloads_uncounted_total").increment(downloads);
}

/// The UTC day, in days since 1970.
fn day(now: Timestamp) -> u32 {
    u32::try_from(now.as_second() / SECONDS_A_DAY).unwrap_or(0)
}

/// Takes a batch out of `counts`; `None` if there are none.
fn next_batch(counts: &mut Counts, now: Timestamp) -> Option<DownloadBatch> {
    let rest = counts.keys().nth(BATCH).cloned().map(|key| counts.split_off(&key)).unwrap_or_default();
    let batch = mem::replace(counts, rest);
    let counts: Vec<_> = batch
        .into_iter()
        .map(|((package, version, day), count)| DownloadCount { package, version, day, count })
        .collect();
    (!counts.is_empty()).then(|| DownloadBatch::new(now, counts))
}

/// Whether to store the same batch again.
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

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use jiff::civil::date;

    use super::*;
    use crate::types::{ArchiveKey, DayDownloads, DownloadQuery, Sha256Digest, UploadId, VersionStatus, Visibility};

    /// A store during each of whose calls a download ends.
    #[derive(Debug)]
    struct Busy {
        counter: Arc<DownloadCounter>,
        tally: Arc<DownloadTally>,
        added: Mutex<Vec<u64>>,
    }

    #[async_trait]
    impl DownloadStore for Busy {
        async fn add_downloads(&self, batch: &DownloadBatch) -> Result<()> {
            let mut added = lock(&self.added);
            assert!(added.len() < 100, "without an end");
            added.extend(batch.counts.iter().map(|count| count.count));
            self.counter.count(&self.tally, batch.gathered_at);
            Ok(())
        }

        async fn refresh_totals(&self) -> Result<()> {
            Ok(())
        }

        async fn downloads(&self, _: &DownloadQuery) -> Result<DayDownloads> {
            Err(Error::internal("not asked for"))
        }
    }

    #[tokio::test]
    async fn a_flush_ends_while_downloads_go_on() {
        let (counter, tally, now) = (Arc::new(DownloadCounter::default()), Arc::new(tally()), Timestamp::now());
        let added = Mutex::default();
        let busy = Arc::new(Busy { counter: Arc::clone(&counter), tally: Arc::clone(&tally), added });
        let store: Arc<dyn DownloadStore> = Arc::<Busy>::clone(&busy);
        for _ in 0..3 {
            counter.count(&tally, now);
        }
        counter.flush(&store, now).await.expect("flushed");
        assert_eq!(*lock(&busy.added), [3]);
        counter.flush(&store, now).await.expect("flushed");
        assert_eq!(*lock(&busy.added), [3, 1]);
    }

    fn tally() -> DownloadTally {
        DownloadTally::new(&location("kit"))
    }

    fn location(package: &str) -> ArchiveLocation {
        ArchiveLocation {
            package: package.parse().expect("a name"),
            version: "1.0.0".parse().expect("a version"),
            archive: ArchiveKey::from(UploadId::generate()),
            sha256: Sha256Digest::of(b"kit"),
            size: 3,
            visibility: Visibility::Public,
            status: VersionStatus::OPEN,
        }
    }

    #[tokio::test]
    async fn who_downloaded_is_noted_for_the_audit_log_alone() {
        let now = Timestamp::now();
        for logs_reads in [true, false] {
            let (counter, tally) = (Arc::new(DownloadCounter::new(logs_reads)), Arc::new(tally()));
            let added = Mutex::default();
            let quiet = DownloadTally::new(&location("other"));
            let busy = Arc::new(Busy { counter: Arc::clone(&counter), tally: Arc::new(quiet), added });
            let store: Arc<dyn DownloadStore> = Arc::<Busy>::clone(&busy);
            counter.count(&tally, now);
            for reader in ["ada", "bob", "ada"] {
                counter.count_by(&tally, reader, now);
            }
            counter.flush(&store, now).await.expect("flushed");
            assert_eq!(*lock(&busy.added), [4], "they count together");
            let mut entries = counter.reads_to_log(now).await;
            entries.sort_by(|a, b| a.actor.cmp(&b.actor));
            let read = |entry: &NewAuditEntry| (entry.actor.clone(), entry.metadata["count"].as_u64());
            let read: Vec<_> = entries.iter().map(read).collect();
            let expected = [(None, Some(1)), (Some("ada".to_owned()), Some(2)), (Some("bob".to_owned()), Some(1))];
            assert_eq!(read, if logs_reads { expected.to_vec() } else { Vec::new() });
            for entry in &entries {
                assert!(counter.reads_to_log(now).await.contains(entry), "until the log has it");
                counter.logged(entry).await;
            }
            assert_eq!(counter.reads_to_log(now).await, []);
        }
    }

    #[test]
    fn a_tally_counts_one_day_and_gives_up_the_last() {
        let (tally, noon) = (tally(), "2026-01-31T12:00:00Z".parse::<Timestamp>().expect("a time"));
        let today = day(noon);
        assert_eq!(tally.add(today), Counted::NONE);
        assert_eq!(tally.add(today), Counted::one(today));
        let before = tally.add(today + 1);
        assert_eq!((before.date(), before.count()), (date(2026, 1, 31), 2));
        let taken = tally.take();
        assert_eq!((taken.date(), taken.count()), (date(2026, 2, 1), 1));
        assert_eq!(tally.take(), Counted::NONE);
    }
}
