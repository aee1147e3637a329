/// Creates the counters of all tiers with the value 0: Prometheus' `rate` sees the first lookup only if
/// the counter was 0 before.
pub(super) fn begin_at_zero(is_shared: bool) {
    let tiers = ["process", "location"].into_iter().chain(is_shared.then_some("shared"));
    for (tier, result) in tiers.flat_map(|tier| [(tier, "hit"), (tier, "miss")]) {
        metrics::counter!("aam_cache_requests_total", "tier" => tier, "result" => result).increment(0);
    }
}

pub(super) fn count(tier: &'static str, hit: bool) {
    let result = if hit { "hit" } else { "miss" };
    metrics::counter!("aam_cache_requests_total", "tier" => tier, "result" => result).increment(1);
}
