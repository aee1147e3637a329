use std::fmt;

use metrics::Counter;

/// Counts hits and misses of a cache tier.
///
/// Both counters start at 0 when this is created, so install a metrics recorder before.
pub(crate) struct TierMeter {
    tier: &'static str,
    hits: Counter,
    misses: Counter,
}

impl TierMeter {
    pub(crate) fn new(tier: &'static str) -> Self {
        let counter = |result| metrics::counter!("aam_cache_requests_total", "tier" => tier, "result" => result);
        Self { tier, hits: counter("hit"), misses: counter("miss") }
    }

    pub(crate) fn count(&self, hit: bool) {
        let counter = if hit { &self.hits } else { &self.misses };
        counter.increment(1);
    }
}

impl fmt::Debug for TierMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TierMeter").field(&self.tier).finish()
    }
}
