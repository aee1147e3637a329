//! Search over what is listed.
//!
//! Every change of a row of `listings` notes the transaction that made it. A
//! snapshot tells the oldest transaction that may still commit: whoever has
//! read what transactions from there on did has seen all. One that stays open
//! for long would have all since then read again and again, so the snapshot of
//! the last search tells which of them it saw. That of a replica does not say
//! which transactions were under way.
//!
//! A primary and its replicas number transactions alike, until one takes
//! another's place or is started anew and may lack what the index has: of a
//! server that was not read before, the index is made anew. So it is where the
//! table is another one, as after a restore.

use std::{
    collections::{HashMap, HashSet},
    iter,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aam_registry_core::{
    Error,
    types::{PackageName, PackageSummary, Page, SearchQuery, Version},
};
use tokio::{
    sync::{OwnedMutexGuard, mpsc},
    task,
};
use tokio_postgres::Row;

use super::{
    connection::Session,
    failure::{Failure, Tx},
    identity::{ServerIdentity, of_server},
    packages::PackageId,
    sql,
};
use crate::relational::{
    listing::types_of_bits,
    search::{Found, Listed, Listing, SearchIndex},
};

/// How many packages are read at a time where all are.
const BATCH: i64 = 1_000;

/// What [`listing`] reads.
macro_rules! of_listing {
    () => {
        "l.package_id, l.revision, l.latest_version, l.name, l.description, l.author, l.keywords,
        l.artifacts, l.artifact_types, l.downloads, l.updated_at"
    };
}

/// Which server this is, and up to which transaction all are over.
macro_rules! of_snapshot {
    () => {
        concat!(
            of_server!(),
            ", CASE WHEN NOT pg_is_in_recovery() THEN pg_current_snapshot()::text END AS seen,
            pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon"
        )
    };
}

const SNAPSHOT: &str = concat!("SELECT ", of_snapshot!());
const ALL: &str =
    concat!("SELECT ", of_listing!(), " FROM listings l WHERE l.package_id > $1 ORDER BY l.package_id LIMIT $2");
/// What a transaction that is yet to come left behind was restored from
/// another server, and read with all the rest.
const CHANGED: &str = concat!(
    "SELECT s.file, s.started, s.is_replica, s.seen, s.horizon, ",
    of_listing!(),
    " FROM (SELECT ",
    of_snapshot!(),
    ") s LEFT JOIN listings l ON l.changed_by >= $1
        AND l.changed_by < (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
        AND pg_visible_in_snapshot(
            l.changed_by::text::xid8,
            (SELECT CASE WHEN NOT pg_is_in_recovery() THEN $2::text::pg_snapshot END)
        ) IS NOT TRUE"
);
const SUMMARIES: &str = "SELECT package_id, name, description, author, latest_version, keywords, artifact_types,
    downloads, updated_at FROM listings WHERE package_id = ANY ($1) AND latest_version IS NOT NULL";

/// More servers than a registry reads; of those it did, all but the last are forgotten.
const MOST_SERVERS: usize = 16;

/// How long an index is kept. A server that crashed, or a replica that follows
/// a new primary, may have lost what the index has, and tells nothing of it.
const MAX_AGE: Duration = Duration::from_hours(1);

/// What is searched.
#[derive(Debug, Default)]
pub(super) struct Searches {
    indexed: Mutex<Option<Indexed>>,
    /// How often it was made.
    times_made: AtomicU64,
    /// Held by whoever makes the index.
    making: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Indexed {
    /// Which of those made it is.
    number: u64,
    /// When it is to be made anew.
    expires_at: Instant,
    /// Those that have no past but the one the index knows.
    servers: HashSet<ServerIdentity>,
    /// What all transactions before this one did is in the index.
    horizon: i64,
    /// What all transactions did that this snapshot saw is in the index, too. Only a primary has one.
    seen: Option<String>,
    index: SearchIndex,
}

/// What a snapshot is of.
struct Snapshot {
    server: ServerIdentity,
    seen: Option<String>,
    horizon: i64,
}

/// What a search answers.
pub(super) struct Answer {
    pub(super) page: Page<PackageSummary>,
    /// Whether the snapshot shows all that was found. Another search may have
    /// told the index of something newer.
    pub(super) is_whole: bool,
}

/// Searches; see [`PackageStore::search`](aam_registry_core::ports::PackageStore::search).
/// `None` where an index has to be made first.
pub(super) async fn search(tx: &Session, searches: &Searches, query: &SearchQuery) -> Tx<Option<Answer>> {
    let Some(found) = searches.search(tx, query).await? else { return Ok(None) };
    let mut summaries: HashMap<PackageId, PackageSummary> =
        sql::all(tx, SUMMARIES, [&found.packages], |row| Ok((row.try_get(0)?, summary(row)?))).await?;
    let is_whole = summaries.len() == found.packages.len();
    let items = found.packages.iter().filter_map(|package| summaries.remove(package)).collect();
    let page = Page { items, total: found.total, request: query.page };
    Ok(Some(Answer { page, is_whole }))
}

/// Leave to make the index.
pub(super) type Leave = OwnedMutexGuard<()>;

impl Searches {
    /// How often the index was made.
    pub(super) fn times_made(&self) -> u64 {
        self.times_made.load(Ordering::Acquire)
    }

    /// Whether it is time to make the index anew; said once. The old one goes on answering.
    pub(super) fn has_expired(&self) -> bool {
        let now = Instant::now();
        self.indexed().as_mut().is_some_and(|indexed| {
            let expired = indexed.expires_at <= now;
            if expired {
                indexed.expires_at = now + MAX_AGE;
            }
            expired
        })
    }

    /// Leave to make the index, unless somebody makes it or it was made more often than so.
    pub(super) fn leave_to_make(&self, times_made: u64) -> Option<Leave> {
        let leave = Arc::clone(&self.making).try_lock_owned().ok()?;
        (self.times_made() == times_made).then_some(leave)
    }

    /// Waits while the index is being made.
    pub(super) async fn made(&self) {
        drop(self.making.lock().await);
    }

    async fn search(&self, tx: &Session, query: &SearchQuery) -> Tx<Option<Found>> {
        let known = || self.indexed().as_ref().map(|indexed| (indexed.number, indexed.horizon, indexed.seen.clone()));
        while let Some((number, horizon, seen)) = known() {
            let [changed] = tx.prepare([CHANGED]).await?;
            let rows = tx.rows(&changed, [&horizon, &seen]).await?;
            let snapshot = rows.first().map(Snapshot::of).transpose()?;
            let mut indexed = self.indexed();
            let (Some(indexed), Some(snapshot)) = (indexed.as_mut(), snapshot) else { break };
            // One that was made meanwhile may lack more than was read.
            if indexed.number != number {
                continue;
            }
            if !indexed.servers.contains(&snapshot.server) {
                break;
            }
            indexed.take(&rows, horizon, snapshot)?;
            return Ok(Some(indexed.index.search(query)));
        }
        Ok(None)
    }

    /// Makes the index of one snapshot, on a thread that nothing else waits for.
    pub(super) async fn make(&self, tx: &Session) -> Tx<()> {
        let [server, all] = tx.prepare([SNAPSHOT, ALL]).await?;
        let snapshot = tx.rows(&server, []).await?.first().map(Snapshot::of).transpose()?;
        let Some(Snapshot { server, seen, horizon }) = snapshot else { return Ok(()) };
        let (batches, mut read) = mpsc::channel::<Vec<Row>>(1);
        let building = task::spawn_blocking(move || {
            let mut index = SearchIndex::default();
            let rows = iter::from_fn(|| read.blocking_recv()).flatten();
            index.update(rows.map(|row| listing(&row, 0)))?;
            Ok::<_, Failure>(index)
        });
        let mut last: PackageId = 0;
        loop {
            let rows = tx.rows(&all, [&last, &BATCH]).await?;
            let Some(row) = rows.last() else { break };
            last = row.try_get(0)?;
            if batches.send(rows).await.is_err() {
                break;
            }
        }
        drop(batches);
        let index = building.await.map_err(|_| Error::internal("the index of searches was not built"))??;
        let mut indexed = self.indexed();
        let old = indexed.take();
        let mut servers = old.as_ref().map(|old| old.servers.clone()).unwrap_or_default();
        // Two that take changes have each a past of its own, and so has another file.
        servers.retain(|other| other.file == server.file && (other.is_replica || server.is_replica));
        if servers.len() >= MOST_SERVERS {
            servers.clear();
        }
        servers.insert(server);
        let number = self.times_made.fetch_add(1, Ordering::AcqRel);
        *indexed = Some(Indexed { number, expires_at: Instant::now() + MAX_AGE, servers, horizon, seen, index });
        // That takes its time, too.
        task::spawn_blocking(move || drop(old));
        Ok(())
    }

    fn indexed(&self) -> MutexGuard<'_, Option<Indexed>> {
        self.indexed.lock().unwrap_or_else(|poisoned| {
            self.indexed.clear_poison();
            let mut indexed = poisoned.into_inner();
            *indexed = None;
            indexed
        })
    }
}

impl Indexed {
    /// Takes over what the transactions from `first` on did, as one snapshot shows it.
    fn take(&mut self, rows: &[Row], first: i64, snapshot: Snapshot) -> Tx<()> {
        let mut changed = Vec::new();
        for row in rows {
            let (package, revision): (Option<PackageId>, Option<i64>) = (row.try_get(5)?, row.try_get(6)?);
            if package.zip(revision).is_some_and(|(package, revision)| !self.index.is_known(package, revision)) {
                changed.push(row);
            }
        }
        self.index.update(changed.into_iter().map(|row| listing(row, 5)))?;
        self.seen = snapshot.seen;
        if snapshot.horizon < first {
            // A replica that lags; should it take the place of the primary, it goes on from there.
            self.horizon = self.horizon.min(snapshot.horizon);
        } else if self.horizon >= first {
            // Others may have read more meanwhile.
            self.horizon = self.horizon.max(snapshot.horizon);
        }
        Ok(())
    }
}

impl Snapshot {
    fn of(row: &Row) -> Tx<Self> {
        Ok(Self { server: ServerIdentity::of(row)?, seen: row.try_get(3)?, horizon: row.try_get(4)? })
    }
}

/// What is listed, from columns that start at `at`.
fn listing(row: &Row, at: usize) -> Tx<Listing> {
    let (package, revision) = (row.try_get(at)?, row.try_get(at + 1)?);
    let listed = listed(row, at + 2).unwrap_or_else(|_| {
        // What it says may hold what no log should.
        tracing::error!(event = "listing_unreadable", package, "a listed package cannot be read; no search finds it");
        None
    });
    Ok(Listing { package, revision, listed })
}

fn listed(row: &Row, at: usize) -> Tx<Option<Listed>> {
    if row.try_get::<_, Option<&str>>(at)?.is_none() {
        return Ok(None);
    }
    // What is found can be shown.
    let _: Version = sql::parsed(row, at)?;
    let name: PackageName = sql::parsed(row, at + 1)?;
    let updated_at = sql::instant(row, at + 8)?;
    Ok(Some(Listed {
        name: name.to_string(),
        description: sql::text(row, at + 2)?,
        author: sql::optional_text(row, at + 3)?,
        keywords: sql::coded(row, at + 4, |text| Ok(serde_json::from_str(text)?))?,
        artifacts: sql::text(row, at + 5)?,
        artifact_types: types(row, at + 6)?,
        downloads: sql::unsigned(row, at + 7)?,
        updated_at: updated_at.as_microsecond(),
    }))
}

fn summary(row: &Row) -> Tx<PackageSummary> {
    Ok(PackageSummary {
        name: sql::parsed(row, 1)?,
        description: sql::text(row, 2)?,
        author: sql::optional_text(row, 3)?,
        latest_version: sql::parsed(row, 4)?,
        keywords: sql::coded(row, 5, |text| Ok(serde_json::from_str(text)?))?,
        artifact_types: types_of_bits(types(row, 6)?),
        downloads: sql::unsigned(row, 7)?,
        updated_at: sql::instant(row, 8)?,
    })
}

fn types(row: &Row, column: usize) -> Tx<u8> {
    Ok(u8::try_from(row.try_get::<_, i16>(column)?).unwrap_or_default())
}
