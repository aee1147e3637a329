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

/// How many of one asker may wait for each place that he may have.
const WAITING: usize = 16;

/// So many places, of which one asker may have some.
///
/// Who finds his own share taken waits for that before he waits for a place of
/// all. So no asker has more than his share among those who wait for one, and
/// they are served in the order they came.
pub(super) struct Places<K> {
    all: Arc<Semaphore>,
    each: usize,
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

/// A place, until it is dropped.
pub(super) struct Place {
    _all: OwnedSemaphorePermit,
    _own: Option<(OwnedSemaphorePermit, Box<dyn Send + Sync>)>,
}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> Places<K> {
    /// `all` places, of which one asker may have `each`; who finds none waits
    /// for up to `patience`.
    pub(super) fn new(all: usize, each: usize, patience: Duration) -> Self {
        let all = Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS)));
        Self { all, each, patience, askers: Arc::default() }
    }

    /// A place for `asker`; one who is not known has the share of all.
    pub(super) async fn take(&self, asker: Option<&K>) -> Result<Place, Crowded> {
        let mut crowded = Crowded::All;
        let place = async {
            let own = match asker {
                None => None,
                Some(asker) => {
                    crowded = Crowded::Own(self.each);
                    let (places, presence) = self.present(asker)?;
                    let permit = places.acquire_owned().await.map_err(|_| Crowded::All)?;
                    Some((permit, Box::new(presence) as Box<dyn Send + Sync>))
                }
            };
            crowded = Crowded::All;
            let all = Arc::clone(&self.all).acquire_owned().await.map_err(|_| Crowded::All)?;
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
        if known.present >= each.saturating_mul(1 + WAITING) {
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
        assert_eq!(places.take(Some(&1)).await.expect_err("too many wait"), Crowded::Own(1));
    }
}
