//! The index of searches, and which state of the database it has.
//!
//! Reading and changing an index takes processor time, so both happen on blocking threads. Async
//! workers take only a lock that is held for some instructions. While a new index is built, searches go
//! on with the old one.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aam_registry_core::{Error, types::SearchQuery};
use tokio::{sync::OwnedMutexGuard, task};

use super::{failure::Tx, identity::ServerIdentity, ids::PackageId};
use crate::relational::search::{Found, Listing, SearchIndex};

/// The most servers that are remembered. When more were read, all but the last are forgotten.
const MOST_SERVERS: usize = 16;

/// How long an index is used. A server that crashed, or a replica that follows a new primary, may have
/// lost changes that the index has, and does not report that.
const MAX_AGE: Duration = Duration::from_hours(1);

/// The index that searches use, and the next one while it is built.
#[derive(Debug, Default)]
pub(super) struct SearchIndexes {
    /// Held for some instructions only.
    current: Mutex<Option<Current>>,
    /// How many indexes were built.
    times_built: AtomicU64,
    /// Held by the task that builds an index.
    building: Arc<tokio::sync::Mutex<()>>,
}

/// An index, and what it contains.
#[derive(Debug)]
struct Current {
    basis: Basis,
    expires_at: Instant,
    /// The servers that have every change that the index has.
    servers: HashSet<ServerIdentity>,
    index: Arc<RwLock<SearchIndex>>,
}

/// Which changes an index has for certain.
#[derive(Clone, Debug)]
pub(super) struct Basis {
    /// The number of the index.
    number: u64,
    /// It has the changes of all transactions before this one.
    pub(super) horizon: i64,
    /// It also has the changes that this snapshot shows. Only a primary has one.
    pub(super) seen: Option<String>,
}

/// The state of a server that was read.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) server: ServerIdentity,
    /// As in [`Basis`].
    pub(super) seen: Option<String>,
    /// The oldest transaction that was not finished.
    pub(super) horizon: i64,
}

/// What came of a search.
#[derive(Debug)]
pub(super) enum Searched {
    /// The packages that were found.
    Found(Found),
    /// Another index has replaced the one of this [`Basis`]: read what changed since its basis.
    Replaced,
    /// There is no index that this server can be read with: build one.
    Unusable,
}

/// The permission to build an index.
pub(super) type BuildPermit = OwnedMutexGuard<()>;

impl SearchIndexes {
    /// How many indexes were built.
    pub(super) fn times_built(&self) -> u64 {
        self.times_built.load(Ordering::Acquire)
    }

    /// Whether the index is too old; true once for each index, which is used until the next is built.
    pub(super) fn has_expired(&self) -> bool {
        let now = Instant::now();
        self.current().as_mut().is_some_and(|current| {
            let expired = current.expires_at <= now;
            if expired {
                current.expires_at = now + MAX_AGE;
            }
            expired
        })
    }

    /// The permission to build an index, unless another task is building one or more than `times_built`
    /// were built.
    pub(super) fn permit_build(&self, times_built: u64) -> Option<BuildPermit> {
        let permit = Arc::clone(&self.building).try_lock_owned().ok()?;
        (self.times_built() == times_built).then_some(permit)
    }

    /// Waits until no index is being built.
    pub(super) async fn built(&self) {
        drop(self.building.lock().await);
    }

    /// Which changes the current index has.
    pub(super) fn basis(&self) -> Option<Basis> {
        self.current().as_ref().map(|current| current.basis.clone())
    }

    /// Adds to the index of `basis` what `snapshot` shows of later changes, and searches in it.
    ///
    /// `changed` gives the packages that changed, except those whose changes the index is known to have.
    pub(super) async fn search<F>(
        &self,
        basis: &Basis,
        snapshot: Snapshot,
        changed: F,
        query: SearchQuery,
    ) -> Tx<Searched>
    where
        F: FnOnce(&dyn Fn(PackageId, i64) -> bool) -> Tx<Vec<Listing>> + Send + 'static,
    {
        let index = match self.current().as_ref() {
            None => return Ok(Searched::Unusable),
            Some(current) if current.basis.number != basis.number => return Ok(Searched::Replaced),
            Some(current) if !current.servers.contains(&snapshot.server) => return Ok(Searched::Unusable),
            Some(current) => Arc::clone(&current.index),
        };
        let searching = task::spawn_blocking(move || {
            // Of a poisoned lock, a change may be half made.
            let read = || index.read().map_err(|_| Error::internal("the index of searches is damaged"));
            let changed = {
                let index = read()?;
                changed(&|package, revision| index.is_known(package, revision))?
            };
            if !changed.is_empty() {
                let mut index = index.write().map_err(|_| Error::internal("the index of searches is damaged"))?;
                index.update(changed.into_iter().map(Ok::<_, Error>))?;
            }
            let found = read()?.search(&query);
            Tx::Ok(found)
        });
        let Ok(found) = searching.await else {
            self.forget(basis.number);
            return Err(Error::internal("a search ended early").into());
        };
        let found = found?;
        self.advance(basis, snapshot);
        Ok(Searched::Found(found))
    }

    /// Records that the index of `basis` has what `snapshot` shows.
    fn advance(&self, basis: &Basis, snapshot: Snapshot) {
        let mut current = self.current();
        let Some(Current { basis: known, .. }) = current.as_mut() else { return };
        if known.number != basis.number {
            return;
        }
        known.seen = snapshot.seen;
        if snapshot.horizon < basis.horizon {
            // A replica that lags. If it becomes the primary, it goes on from its own state.
            known.horizon = known.horizon.min(snapshot.horizon);
        } else if known.horizon >= basis.horizon {
            // Another search may have read more meanwhile.
            known.horizon = known.horizon.max(snapshot.horizon);
        }
    }

    /// Uses an index that was built of everything that `snapshot` shows.
    pub(super) fn replace(&self, index: SearchIndex, snapshot: Snapshot) {
        let Snapshot { server, seen, horizon } = snapshot;
        let mut current = self.current();
        let old = current.take();
        let mut servers = old.as_ref().map(|old| old.servers.clone()).unwrap_or_default();
        // Two primaries have histories of their own, and so have two databases. The index is of `server`,
        // so only its replicas, or its primary if it is a replica, stay usable.
        servers.retain(|other| other.file == server.file && (other.is_replica || server.is_replica));
        if servers.len() >= MOST_SERVERS {
            servers.clear();
        }
        servers.insert(server);
        let number = self.times_built.fetch_add(1, Ordering::AcqRel);
        let (basis, index) = (Basis { number, horizon, seen }, Arc::new(RwLock::new(index)));
        *current = Some(Current { basis, expires_at: Instant::now() + MAX_AGE, servers, index });
        drop(current);
        // Freeing a large index takes time, too.
        task::spawn_blocking(move || drop(old));
    }

    /// Drops an index that may be damaged, so that the next search builds another.
    fn forget(&self, number: u64) {
        let mut current = self.current();
        if current.as_ref().is_some_and(|current| current.basis.number == number) {
            *current = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        // Nothing that can panic runs under this lock.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::mpsc};

    use aam_registry_core::types::{PageRequest, SearchSort, Sight};
    use tokio::select;

    use super::*;
    use crate::relational::search::Listed;

    fn snapshot(horizon: i64) -> Snapshot {
        Snapshot { server: ServerIdentity::of_test("base/1/1", "monday", false), seen: None, horizon }
    }

    fn listing(package: i64, revision: i64) -> Listing {
        let listed = Listed { name: format!("kit-{package}"), ..Listed::default() };
        Listing { package, revision, listed: Some(listed) }
    }

    fn built(packages: i64) -> SearchIndex {
        let mut index = SearchIndex::default();
        index.update((1..=packages).map(|package| Ok::<_, Error>(listing(package, 1)))).expect("no error among them");
        index
    }

    fn query() -> SearchQuery {
        SearchQuery {
            text: Some("kit".to_owned()),
            artifact_type: None,
            scope: None,
            keyword: None,
            sort: SearchSort::Relevance,
            page: PageRequest { page: 1, limit: 20 },
            sight: Sight::default(),
        }
    }

    /// The number of packages that a search finds after `changed` were read.
    async fn total(indexes: &SearchIndexes, changed: Vec<Listing>) -> u64 {
        let basis = indexes.basis().expect("an index");
        let found = indexes.search(&basis, snapshot(basis.horizon + 1), |_| Ok(changed), query()).await;
        let Ok(Searched::Found(found)) = found else { panic!("nothing was found") };
        found.total
    }

    /// On one async worker: if a search or a change of the index ran there or kept a lock that the
    /// worker waits for, nothing else would go on.
    #[tokio::test(flavor = "current_thread")]
    async fn async_workers_go_on_while_the_index_is_changed() {
        let indexes = Arc::new(SearchIndexes::default());
        indexes.replace(built(3), snapshot(1));
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (proceed, may_proceed) = mpsc::channel::<()>();
        let slow = {
            let indexes = Arc::clone(&indexes);
            tokio::spawn(async move {
                let basis = indexes.basis().expect("an index");
                let changed = move |_: &dyn Fn(PackageId, i64) -> bool| {
                    begun.send(()).expect("somebody waits");
                    may_proceed.recv().expect("somebody permits it");
                    Ok(vec![listing(4, 1)])
                };
                indexes.search(&basis, snapshot(2), changed, query()).await
            })
        };
        has_begun.await.expect("the change began");
        assert_eq!(total(&indexes, Vec::new()).await, 3, "another search waits for the change");
        proceed.send(()).expect("the change goes on");
        let Ok(Searched::Found(found)) = slow.await.expect("ended") else { panic!("nothing was found") };
        assert_eq!(found.total, 4);
        assert_eq!(total(&indexes, Vec::new()).await, 4);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn searches_go_on_with_the_old_index_while_another_is_built() {
        let indexes = SearchIndexes::default();
        indexes.replace(built(3), snapshot(1));
        let permit = indexes.permit_build(indexes.times_built()).expect("nobody builds");
        assert!(indexes.permit_build(indexes.times_built()).is_none(), "two build at once");
        assert_eq!(total(&indexes, vec![listing(4, 1)]).await, 4);
        let before = indexes.basis().expect("an index");
        indexes.replace(built(7), snapshot(2));
        drop(permit);
        assert_eq!(total(&indexes, Vec::new()).await, 7);
        let late = indexes.search(&before, snapshot(2), |_| Ok(Vec::new()), query()).await;
        assert!(matches!(late, Ok(Searched::Replaced)), "what was read for another index says nothing of this one");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn another_server_needs_another_index() {
        let indexes = SearchIndexes::default();
        assert!(indexes.basis().is_none());
        indexes.replace(built(3), snapshot(1));
        let basis = indexes.basis().expect("an index");
        let other = Snapshot { server: ServerIdentity::of_test("base/1/2", "tuesday", false), ..snapshot(1) };
        let found = indexes.search(&basis, other, |_| Ok(Vec::new()), query()).await;
        assert!(matches!(found, Ok(Searched::Unusable)));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_index_whose_change_panics_is_not_used_again() {
        let indexes = SearchIndexes::default();
        indexes.replace(built(3), snapshot(1));
        let basis = indexes.basis().expect("an index");
        let panicking = |_: &dyn Fn(PackageId, i64) -> bool| panic!("a test of panics");
        assert!(indexes.search(&basis, snapshot(2), panicking, query()).await.is_err());
        assert!(indexes.basis().is_none());
    }

    /// A search that nobody waits for any more leaves the index usable.
    #[tokio::test(flavor = "current_thread")]
    async fn a_search_may_be_given_up() {
        let indexes = SearchIndexes::default();
        indexes.replace(built(3), snapshot(1));
        let basis = indexes.basis().expect("an index");
        select! {
            biased;
            _ = indexes.search(&basis, snapshot(2), |_| Ok(vec![listing(4, 1)]), query()) => {}
            () = async { tokio::task::yield_now().await } => {}
            () = pending() => {}
        }
        assert_eq!(total(&indexes, vec![listing(4, 1)]).await, 4);
    }
}
