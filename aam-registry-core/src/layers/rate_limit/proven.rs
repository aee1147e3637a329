use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

/// How long a credential is taken for a good one that need not be paid for.
const HOLDS: Duration = Duration::from_hours(1);
/// How many are remembered; some 40 bytes each.
const MOST: usize = 50_000;

/// A credential by its hash, which is keyed at random: nobody can make one
/// that is taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(u64);

/// Which credentials were found good lately. That a credential is among them
/// gives no right: it is checked all the same, only without its address paying.
pub(super) struct ProvenCredentials {
    found_good: Cache<u64, Instant>,
    hasher: RandomState,
}

impl ProvenCredentials {
    /// What stands for a credential; `None` where its bytes tell nothing.
    pub(super) fn fingerprint(&self, credential: &[u8]) -> Option<Fingerprint> {
        (!credential.is_empty()).then(|| Fingerprint(self.hasher.hash_one(credential)))
    }

    pub(super) fn contains(&self, Fingerprint(hash): Fingerprint) -> bool {
        self.found_good.get(&hash).is_some_and(|since| since.elapsed() < HOLDS)
    }

    pub(super) fn note(&self, Fingerprint(hash): Fingerprint, is_good: bool) {
        if is_good {
            self.found_good.insert(hash, Instant::now());
        } else {
            self.found_good.remove(&hash);
        }
    }
}

impl Default for ProvenCredentials {
    fn default() -> Self {
        Self { found_good: Cache::new(MOST), hasher: RandomState::new() }
    }
}

impl fmt::Debug for ProvenCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvenCredentials").field("len", &self.found_good.len()).finish_non_exhaustive()
    }
}
