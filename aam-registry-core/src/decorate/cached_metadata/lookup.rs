//! How a read is answered: from this process, from the shared cache, or from the database.

use std::{
    hash::Hash,
    time::{Duration, Instant},
};

use quick_cache::Equivalent;

use super::{
    CachedMetadata,
    counters::count,
    entries::Entries,
    kept::{Digests, KeptLocation, VersionIn, Weigh},
    store::{CacheState, group},
    stored::Shared,
};
use crate::{
    decorate::Mark,
    error::Result,
    ports::{Database, Stamp},
    types::{Change, PackageName, Reach},
};

/// The version of the format of shared values.
const FORM: &str = "4";

impl<D: Database> CachedMetadata<D> {
    /// Returns the cached value of a package under `key`, or calls `read`.
    pub(super) async fn read_package<K, Q, V>(
        &self,
        entries: &Entries<K, Mark, V>,
        key: &Q,
        own: impl FnOnce() -> K,
        (reach, kind, version): (Reach, &str, &str),
        name: &PackageName,
        read: impl Future<Output = Result<Option<V>>>,
    ) -> Result<Option<V>>
    where
        K: Eq + Hash,
        Q: Hash + Equivalent<K> + ?Sized,
        V: Shared + Weigh + Digests + Clone,
    {
        let CacheState { around, config, .. } = &*self.inner;
        let kept = entries.get(key, config.lifetime()).filter(|entry| around.freshness.is_fresh(&entry.holds_by));
        count("process", kept.is_some());
        if let Some(entry) = kept {
            return Ok(Some(entry.value.clone()));
        }
        // Taken before the read, so that a change after this makes the value stale.
        let (mark, read_at) = (around.freshness.mark(name), Instant::now());
        let Some(mark) = mark else {
            let value = read.await?;
            if let Some(value) = &value {
                self.hold_locations_to(name, value);
            }
            return Ok(value);
        };

        // A read of public packages finds no entry of a private one.
        let within = match reach {
            Reach::Public => "",
            Reach::PublicPackages => "*",
            Reach::Everything => "+",
        };
        let key = format!("{kind}{FORM}{within}/{name}/{version}");
        let groups = [Some(Change::Package(name.clone())), name.scope().map(Change::Scope), Some(Change::Everything)];
        let groups: Vec<_> = groups.iter().flatten().map(group).collect();
        let value = self.read_shared(&key, &groups, config.lifetime(), read).await?;
        if let Some(value) = &value {
            self.hold_locations_to(name, value);
            let weight = value.weight();
            if entries.has_room_for(weight) {
                entries.keep(own(), value.clone(), mark, read_at, weight);
            }
        }
        Ok(value)
    }

    /// Drops cached archive locations of a package that differ from metadata that was just read: the
    /// database has lost the commit from which they came.
    pub(super) fn hold_locations_to(&self, name: &PackageName, metadata: &impl Digests) {
        let CacheState { around, kept, .. } = &*self.inner;
        let mut differs = false;
        metadata.each(|version, sha256| {
            let stale = |location: &KeptLocation| location.location.sha256 != *sha256;
            for reach in Reach::ALL {
                let location = kept.locations.peek(&VersionIn(reach, name, version));
                differs |= location.is_some_and(|kept| stale(&kept) && around.freshness.may_still_locate(&kept.mark));
            }
        });
        if differs {
            tracing::warn!(
                event = "archive_locations_forgotten",
                package = %name,
                "the archive of a version has changed: the database was restored, or lost a publish"
            );
            around.freshness.note_archives(&Change::Package(name.clone()));
        }
    }

    /// Returns the value in the shared cache under `key`, or calls `read`.
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
            // The cache reports its failures itself; here it is only skipped.
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
