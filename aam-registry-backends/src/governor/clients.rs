use std::{
    fmt,
    hash::{BuildHasherDefault, Hasher},
};

use governor::{
    nanos::Nanos,
    state::{
        InMemoryState, NotKeyed, StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};

/// How many clients are told apart at once; some 10 MB a class at the worst.
pub(super) const MOST_CLIENTS: usize = 200_000;

/// The states of the clients of one class, by the hash of what names them.
///
/// Bounded: clients beyond the most share one state, so that a flood from many
/// addresses takes neither the memory nor the state of those already known.
pub(super) struct Clients {
    known: DashMapStateStore<u64, BuildHasherDefault<IsHash>>,
    rest: InMemoryState,
    most: usize,
}

/// The keys are hashes, and keyed at random.
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
        Self { known: DashMapStateStore::default(), rest: InMemoryState::default(), most }
    }
}

impl StateStore for Clients {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, client: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if let Some(state) = self.known.get(client) {
            return state.measure_and_replace(&NotKeyed::NonKey, decide);
        }
        if self.known.len() >= self.most {
            return self.rest.measure_and_replace(&NotKeyed::NonKey, decide);
        }
        self.known.measure_and_replace(client, decide)
    }
}

impl ShrinkableKeyedStateStore<u64> for Clients {
    fn retain_recent(&self, drop_below: Nanos) {
        self.known.retain_recent(drop_below);
        self.known.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.known.len()
    }

    fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("known", &self.known.len()).field("most", &self.most).finish_non_exhaustive()
    }
}
