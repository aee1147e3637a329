//! The way of a read: this process, the shared cache, the database.

use std::{
    hash::Hash,
    time::{Duration, Instant},
};

use quick_cache::Equivalent;

use super::{
    CachedMetadata,
    entries::Entries,
    kept::{Digests, KeptLocation, VersionIn, Weigh},
    store::{Inner, group},
    stored::Shared,
};
use crate::{
    decorate::Mark,
    error::Result,
    ports::{Database, Stamp},
    types::{Change, PackageName},
};

/// The release of the form in which values are shared.
const FORM: &str = "1";

impl<D: Database> CachedMetadata<D> {
    /// What is kept of a package under `key`, else what `read` gives.
    pub(super) async fn read_package<K, Q, V>(
        &self,
        entries: &Entries<K, Mark, V>,
        key: &Q,
        own: impl FnOnce() -> K,
        (kind, version): (&str, &str),
        name: &PackageName,
        read: impl Future<Output = Result<Option<V>>>,
    ) -> Result<Option<V>>
    where
        K: Eq + Hash,
        Q: Hash + Equivalent<K> + ?Sized,
        V: Shared + Weigh + Digests + Clone,
    {
        let Inner { around, config, .. } = &*self.inner;
        let kept = entries.get(key, config.lifetime()).filter(|entry| around.freshness.is_fresh(&entry.holds_by));
        count("process", kept.is_some());
        if let Some(entry) = kept {
            return Ok(Some(entry.value.clone()));
        }
        // Before the read: what changes after this makes stale what the read gave.
        let (mark, read_at) = (around.freshness.mark(name), Instant::now());
        let Some(mark) = mark else {
            let value = read.await?;
            if let Some(value) = &value {
                self.hold_locations_to(name, value);
            }
            return Ok(value);
        };

        let key = format!("{kind}{FORM}/{name}/{version}");
        let groups = [Some(Change::Package(name.clone())), name.scope().map(Change::Scope), Some(Change::Everything)];
        let groups: Vec<_> = groups.iter().flatten().map(group).collect();
        let value = self.read_shared(&key, &groups, config.lifetime(), read).await?;
        if let Some(value) = &value {
            self.hold_locations_to(name, value);
            entries.keep(own(), value.clone(), mark, read_at, value.weight());
        }
        Ok(value)
    }

    /// Forgets where the archives of a package lie where metadata that was just
    /// read names others: the database lost the commit that they are from.
    pub(super) fn hold_locations_to(&self, name: &PackageName, metadata: &impl Digests) {
        let Inner { around, kept, .. } = &*self.inner;
        let mut differs = false;
        metadata.each(|version, sha256| {
            let location = kept.locations.peek(&VersionIn(name, version));
            let stale = |location: &KeptLocation| location.location.sha256 != *sha256;
            differs |= location.is_some_and(|kept| stale(&kept) && around.freshness.may_still_locate(&kept.mark));
        });
        if differs {
            tracing::warn!(
                event = "archive_locations_forgotten",
                package = %name,
                "a version has another archive than before: the database was restored, or lost a publish"
            );
            around.freshness.note_archives(&Change::Package(name.clone()));
        }
    }

    /// What replicas share under `key`, else what `read` gives.
    pub(super) async fn read_shared<V: Shared>(
        &self,
        key: &str,
        groups: &[String],
        lifetime: Duration,
        read: impl Future<Output = Result<Option<V>>>,
    ) -> Result<Option<V>> {
        let Some(shared) = &self.inner.around.shared else { return read.await };
        let groups: Vec<_> = groups.iter().map(String::as_str).collect();
        let stamp: Option<Stamp> = match shared.get(key, &groups).await {
            Ok(cached) => {
                let stored = cached.value.and_then(|bytes| serde_json::from_slice(&bytes).ok());
                let value = stored.and_then(V::restore);
                count("shared", value.is_some());
                if value.is_some() {
                    return Ok(value);
                }
                Some(cached.stamp)
            }
            // It tells of its own failures; here it is only not asked.
            Err(_) => None,
        };
        let value = read.await?;
        if let (Some(value), Some(stamp)) = (&value, stamp)
            && let Ok(bytes) = serde_json::to_vec(&value.store())
        {
            let _ = shared.put(key, &groups, bytes.into(), &stamp, lifetime).await;
        }
        Ok(value)
    }
}

/// Counts nothing so far for every tier there is: a rate tells of the first look only where the count was 0 before.
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
