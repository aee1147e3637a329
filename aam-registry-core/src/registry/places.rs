//! Places for work of which only so much may go on at once.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How many of one asker may wait for each place that he may have, unless told otherwise.
const WAITING: usize = 16;

/// So many places, of which one asker may have some.
///
/// Who finds his own share taken waits for that before he waits for a place of
/// all. So no asker has more than his share among those who wait for one, and
/// they are served in the order they came.
pub(super) struct Places<K> {
    all: Arc<Semaphore>,
    total: usize,
    each: usize,
    /// How many of one asker may wait for each place that he may have.
    waiting: usize,
    patience: Duration,
    askers: Askers<K>,
}

type Askers<K> = Arc<Mutex<HashMap<K, Asker>>>;

struct Asker {
    places: Arc<Semaphore>,
    /// How many there are that have a place or wait for one.
    present: usize,
}

/// Why there was no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crowded {
    /// The asker has all the places he may have; so many.
    Own(usize),
    /// All are taken.
    All,
}

/// A place, or several that were taken at once, until it is dropped.
pub(crate) struct Place {
    _all: OwnedSemaphorePermit,
    _own: Option<(OwnedSemaphorePermit, Box<dyn Send + Sync>)>,
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> Places<K> {
    /// `all` places, of which one asker may have `each`; who finds none waits
    /// for up to `patience`.
    pub(super) fn new(all: usize, each: usize, patience: Duration) -> Self {
        let (total, each) = (all.min(Semaphore::MAX_PERMITS), each.min(Semaphore::MAX_PERMITS));
        Self { all: Arc::new(Semaphore::new(total)), total, each, waiting: WAITING, patience, askers: Arc::default() }
    }

    /// Lets so many of one asker wait for each place that he may have.
    pub(super) fn with_waiting(self, waiting: usize) -> Self {
        Self { waiting, ..self }
    }

    /// A place for `asker`; one who is not known has the share of all.
    pub(super) async fn take(&self, asker: Option<&K>) -> Result<Place, Crowded> {
        self.take_many(1, asker).await
    }

    /// So many places at once. Who asks for more than his share gets them while
    /// he has no others, and who asks for more than there are gets them all.
    pub(super) async fn take_many(&self, count: u32, asker: Option<&K>) -> Result<Place, Crowded> {
        let at_most = |places: usize| count.min(u32::try_from(places).unwrap_or(u32::MAX));
        let (of_own, of_all) = (at_most(self.each), at_most(self.total));
        let mut crowded = Crowded::All;
        let place = async {
            let own = match asker {
                None => None,
                Some(asker) => {
                    crowded = Crowded::Own(self.each);
                    let (places, presence) = self.present(asker)?;
                    let permit = places.acquire_many_owned(of_own).await.map_err(|_| Crowded::All)?;
                    Some((permit, Box::new(presence) as Box<dyn Send + Sync>))
                }
            };
            crowded = Crowded::All;
            let all = Arc::clone(&self.all).acquire_many_owned(of_all).await.map_err(|_| Crowded::All)?;
            Ok(Place { _all: all, _own: own })
        };
        let outcome = timeout(self.patience, place).await;
        outcome.unwrap_or(Err(crowded))
    }

    fn present(&self, asker: &K) -> Result<(Arc<Semaphore>, Presence<K>), Crowded> {
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        let each = self.each;
        let known =
            askers.entry(asker.clone()).or_insert_with(|| Asker { places: Arc::new(Semaphore::new(each)), present: 0 });
        if known.present >= each.saturating_mul(self.waiting.saturating_add(1)) {
            return Err(Crowded::Own(each));
        }
        known.present += 1;
        let presence = Presence { askers: Arc::clone(&self.askers), asker: asker.clone() };
        Ok((Arc::clone(&known.places), presence))
    }
}

/// Forgets an asker when the last one of him is gone.
struct Presence<K: Eq + Hash> {
    askers: Askers<K>,
    asker: K,
}

impl<K: Eq + Hash> Drop for Presence<K> {
    fn drop(&mut self) {
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = askers.get_mut(&self.asker) {
            known.present -= 1;
            if known.present == 0 {
                askers.remove(&self.asker);
            }
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::*;

    fn places(all: usize, each: usize) -> Places<u8> {
        Places::new(all, each, Duration::ZERO)
    }

    #[tokio::test]
    async fn nobody_has_more_than_his_share() {
        let places = places(3, 2);
        let first = places.take(Some(&1)).await.expect("a place");
        let _second = places.take(Some(&1)).await.expect("a place");
        assert_eq!(places.take(Some(&1)).await.expect_err("his share"), Crowded::Own(2));
        let _other = places.take(Some(&2)).await.expect("a place");
        assert_eq!(places.take(Some(&3)).await.expect_err("all"), Crowded::All);
        drop(first);
        places.take(None).await.expect("a place for who is not known");
    }

    #[tokio::test]
    async fn several_places_count_for_the_share_and_for_all() {
        let places = places(8, 3);
        let first = places.take_many(2, Some(&1)).await.expect("places");
        assert_eq!(places.take_many(2, Some(&1)).await.expect_err("his share"), Crowded::Own(3));
        let _third = places.take(Some(&1)).await.expect("the rest of his share");
        assert_eq!(places.take_many(9, Some(&2)).await.expect_err("all"), Crowded::All);
        let _others = places.take_many(5, Some(&2)).await.expect("more than his share, as all that he has");
        assert_eq!(places.take(Some(&2)).await.expect_err("his share"), Crowded::Own(3));
        assert_eq!(places.take(Some(&3)).await.expect_err("all"), Crowded::All);
        drop(first);
        places.take_many(2, Some(&3)).await.expect("places");
    }

    #[tokio::test]
    async fn who_waits_gets_the_place_that_is_given_back() {
        let places = Arc::new(Places::new(1, 1, Duration::from_mins(1)));
        let first = places.take(Some(&1)).await.expect("a place");
        let waiting = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take(Some(&1)).await.map(drop) }
        });
        tokio::task::yield_now().await;
        drop(first);
        waiting.await.expect("not cancelled").expect("a place");
        assert!(places.askers.lock().expect("lock").is_empty(), "who is gone is forgotten");
    }

    #[tokio::test]
    async fn no_more_of_one_asker_wait_than_are_worth_it() {
        let places = Places::new(1, 1, Duration::from_mins(1));
        let _first = places.take(Some(&1)).await.expect("a place");
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(places.take(Some(&1)))).collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one).is_pending());
        }
        // At once: one that waited would be refused later, too.
        let Poll::Ready(Err(crowded)) = futures_util::poll!(Box::pin(places.take(Some(&1)))) else {
            panic!("too many wait")
        };
        assert_eq!(crowded, Crowded::Own(1));
    }
}
