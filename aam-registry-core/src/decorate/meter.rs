use std::{fmt, sync::OnceLock};

use metrics::Counter;

/// Counts how often a tier had what it was asked for.
pub(crate) struct TierMeter {
    tier: &'static str,
    hits: OnceLock<Counter>,
    misses: OnceLock<Counter>,
}

impl TierMeter {
    pub(crate) fn new(tier: &'static str) -> Self {
        Self { tier, hits: OnceLock::new(), misses: OnceLock::new() }
    }

    pub(crate) fn count(&self, hit: bool) {
        let (counter, result) = if hit { (&self.hits, "hit") } else { (&self.misses, "miss") };
        let make = || metrics::counter!("aam_cache_requests_total", "tier" => self.tier, "result" => result);
        counter.get_or_init(make).increment(1);
    }
}

impl fmt::Debug for TierMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TierMeter").field(&self.tier).finish()
    }
}
