use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

/// How long a valid credential is remembered, so that it costs nothing.
const HOLDS: Duration = Duration::from_hours(1);
/// The most credentials that are remembered; some 40 bytes each.
const MOST: usize = 50_000;

/// The hash of a credential, with a random key so that nobody can create a credential with the hash of
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

/// The credentials that were found valid recently. This gives no rights: a remembered credential is
/// still checked, but costs its address nothing.
pub(crate) struct ProvenCredentials {
    found_good: Cache<u64, Instant>,
    hasher: RandomState,
}

impl ProvenCredentials {
    /// The fingerprint of a credential; `None` if its bytes are empty.
    pub(crate) fn fingerprint(&self, credential: &[u8]) -> Option<Fingerprint> {
        (!credential.is_empty()).then(|| Fingerprint(self.hasher.hash_one(credential)))
    }

    pub(crate) fn contains(&self, Fingerprint(hash): Fingerprint) -> bool {
        self.found_good.get(&hash).is_some_and(|since| since.elapsed() < HOLDS)
    }

    pub(crate) fn note(&self, Fingerprint(hash): Fingerprint, is_good: bool) {
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
