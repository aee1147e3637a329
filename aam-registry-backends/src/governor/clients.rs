use std::{
    fmt,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
    time::Duration,
};

use governor::{
    nanos::Nanos,
    state::{
        InMemoryState, NotKeyed, StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};

/// The most clients with a state of their own; at most some 10 MB per class.
pub(super) const MOST_CLIENTS: usize = 200_000;

/// The states of the clients of one class, by the hash of the client's name.
///
/// The number is limited. Further clients share one state, so that a flood from many addresses neither
/// uses up the memory nor displaces the states of known clients.
#[derive(Clone)]
pub(super) struct Clients(Arc<States>);

struct States {
    known: DashMapStateStore<u64, BuildHasherDefault<IsHash>>,
    rest: InMemoryState,
    most: usize,
}

/// A hasher for keys that are already hashes with a random key.
#[derive(Default)]
struct IsHash(u64);

impl Hasher for IsHash {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = self.0.rotate_left(8) ^ hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Clients {
    pub(super) fn new(most: usize) -> Self {
        let (known, rest) = (DashMapStateStore::default(), InMemoryState::default());
        Self(Arc::new(States { known, rest, most }))
    }

    /// Gives back one request; `interval` is the time in which one is given back anyway.
    pub(super) fn give_back(&self, client: u64, interval: Duration) {
        let earlier = |full: Option<Nanos>| full.map(|full| ((), full.saturating_sub(interval.into()))).ok_or(());
        match self.0.known.get(&client) {
            Some(state) => state.measure_and_replace(&NotKeyed::NonKey, earlier),
            // The client has no state of its own: it has taken nothing, or from the shared state.
            None => self.0.rest.measure_and_replace(&NotKeyed::NonKey, earlier),
        }
        .ok();
    }
}

impl StateStore for Clients {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, client: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let States { known, rest, most } = &*self.0;
        if let Some(state) = known.get(client) {
            return state.measure_and_replace(&NotKeyed::NonKey, decide);
        }
        if known.len() >= *most {
            return rest.measure_and_replace(&NotKeyed::NonKey, decide);
        }
        known.measure_and_replace(client, decide)
    }
}

impl ShrinkableKeyedStateStore<u64> for Clients {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.known.retain_recent(drop_below);
        self.0.known.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.0.known.len()
    }

    fn is_empty(&self) -> bool {
        self.0.known.is_empty()
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("known", &self.0.known.len())
            .field("most", &self.0.most)
            .finish_non_exhaustive()
    }
}
