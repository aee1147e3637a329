use std::{sync::Arc, time::Duration};

use aam_registry_core::{
    Error, Result,
    ports::{Cached, SharedCache, Stamp},
};
use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use redis::Script;

use super::{RedisLink, envelope, lease::Lease, pending::Pending, purpose::Purpose};

/// How long a group's generation is kept after the first look: longer than any read that follows the
/// look, and at least as long as the group's values.
const GROUP_LIFE: Duration = Duration::from_mins(1);
/// The longest lifetime of a value; a value with a longer lifetime is read again after this.
const MAX_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// How many groups one command empties.
const AT_ONCE: usize = 500;

/// A cache in Redis that all replicas of a registry share.
///
/// Each group has a generation: a random name that is created at the first look and deleted when the
/// group is emptied. A stamp consists of the generations of the groups and the run id of the Redis
/// server. A value is stored only while the generations are those of its stamp; it is stored with its
/// stamp and returned only while the stamp still matches. So a loss of data in Redis cannot bring back
/// a stale value: if its generation was emptied, evicted, expired or flushed, the value matches no
/// later one; and after a restart from an old snapshot, or on a replica that took over, no value
/// matches.
///
/// If a group cannot be emptied because Redis does not answer, it is emptied as soon as Redis answers;
/// until then every read through this cache fails, and other replicas may see the group's old values.
///
/// Works with any eviction policy.
#[derive(Clone, Debug)]
pub struct RedisCache(Arc<CacheState>);

#[derive(Debug)]
struct CacheState {
    link: RedisLink,
    stamp: Script,
    put: Script,
    groups_to_empty: Pending<String>,
}

impl RedisCache {
    /// The most bytes of a value that is stored: 1 MiB. A larger one is not an error; it is not stored.
    pub const MAX_VALUE: usize = 1 << 20;

    /// A cache that uses `link`.
    pub fn new(link: RedisLink) -> Self {
        Self(Arc::new(CacheState {
            link,
            stamp: Script::new(include_str!("stamp.lua")),
            put: Script::new(include_str!("put.lua")),
            groups_to_empty: Pending::default(),
        }))
    }
}

impl Lease<'_> {
    fn generation_key(&self, group: &str) -> String {
        self.key("cache:group:", group)
    }

    fn generation_keys(&self, groups: &[&str]) -> Vec<String> {
        groups.iter().map(|group| self.generation_key(group)).collect()
    }

    fn value_key(&self, key: &str) -> String {
        self.key("cache:value:", key)
    }
}

impl CacheState {
    async fn get(&self, key: &str, groups: &[&str]) -> Result<Cached> {
        if !self.groups_to_empty.is_empty() {
            // Readers do not wait until the pending groups are emptied.
            return Err(Error::cache("redis still holds what was to be emptied", true));
        }
        let mut lease = self.link.lease(Purpose::Cache).await?;
        let keys = lease.generation_keys(groups);
        let mut look = redis::cmd("MGET");
        look.arg(lease.value_key(key)).arg(&keys);
        let mut found: Vec<Option<Bytes>> = lease.command(&look).await?;
        let sealed = found.drain(..1).next().flatten();
        let known: Option<Vec<String>> =
            found.into_iter().map(|generation| String::from_utf8(generation?.to_vec()).ok()).collect();
        if let Some(generations) = known {
            let stamp = stamp(lease.server(), generations);
            return Ok(Cached { value: sealed.and_then(|sealed| envelope::open(&sealed, &stamp)), stamp });
        }
        let mut begin = self.stamp.arg(millis(GROUP_LIFE));
        for group in keys {
            begin.key(group).arg(new_generation());
        }
        let generations = lease.script(&begin).await?;
        Ok(Cached { value: None, stamp: stamp(lease.server(), generations) })
    }

    async fn put(&self, key: &str, groups: &[&str], value: &[u8], stamp: &Stamp, lifetime: Duration) -> Result<()> {
        let lifetime = lifetime.min(MAX_LIFETIME);
        let Some((server, generations)) = stamp.0.split_first() else { return Ok(()) };
        if generations.len() != groups.len() || value.len() > RedisCache::MAX_VALUE || millis(lifetime) == 0 {
            return Ok(());
        }
        let mut lease = self.link.lease(Purpose::Cache).await?;
        if lease.server() != server {
            return Ok(());
        }
        let mut put = self.put.key(lease.value_key(key));
        put.key(lease.generation_keys(groups));
        put.arg(envelope::seal(value, stamp)).arg(millis(lifetime)).arg(millis(lifetime + GROUP_LIFE)).arg(generations);
        lease.script(&put).await
    }

    async fn empty(&self, groups: &[String]) -> Result<()> {
        // Wait even while Redis is down: only the request that changed something waits, not the
        // readers.
        let mut lease = self.link.insist(Purpose::Cache).await?;
        for groups in groups.chunks(AT_ONCE) {
            let keys: Vec<String> = groups.iter().map(|group| lease.generation_key(group)).collect();
            let () = lease.command(redis::cmd("DEL").arg(keys)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl SharedCache for RedisCache {
    async fn get(&self, key: &str, groups: &[&str]) -> Result<Cached> {
        self.0.get(key, groups).await
    }

    async fn put(&self, key: &str, groups: &[&str], value: Bytes, stamp: &Stamp, lifetime: Duration) -> Result<()> {
        self.0.put(key, groups, &value, stamp, lifetime).await
    }

    async fn empty(&self, group: &str) -> Result<()> {
        let (inner, group) = (Arc::clone(&self.0), group.to_owned());
        // Continues even if the caller has gone: the change has been committed.
        let emptying = tokio::spawn(async move {
            let result = inner.empty(std::slice::from_ref(&group)).await;
            if result.is_err() && inner.groups_to_empty.add(group) {
                tokio::spawn(async move {
                    let inner = &inner;
                    inner.groups_to_empty.send_until_done(|groups| async move { inner.empty(&groups).await }).await;
                });
            }
            result
        });
        emptying.await.map_err(Error::internal)?
    }

    async fn check(&self) -> Result<()> {
        self.0.link.check().await
    }
}

fn stamp(server: &str, generations: Vec<String>) -> Stamp {
    Stamp(std::iter::once(server.to_owned()).chain(generations).collect())
}

/// A name that no generation ever had.
fn new_generation() -> String {
    HEXLOWER.encode(&rand::random::<[u8; 16]>())
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
