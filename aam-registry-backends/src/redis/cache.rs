use std::{sync::Arc, time::Duration};

use aam_registry_core::{
    Error, Result,
    ports::{Cached, SharedCache, Stamp},
};
use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use redis::Script;

use super::{RedisLink, arrears::Arrears, envelope, lease::Lease, purpose::Purpose};

/// How long a group is remembered from the first look on; longer than any
/// read that a look comes before, and longer than its values once it has some.
const GROUP_LIFE: Duration = Duration::from_mins(1);
/// The longest lifetime of a value; what is to live longer is read again.
const MAX_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// How many groups are emptied by one command.
const AT_ONCE: usize = 500;

/// A cache in Redis, that every replica of a registry shares.
///
/// Each group has a generation: a random name that comes to be at the first
/// look and is deleted when the group is emptied. A stamp is the generations
/// of the groups, and the run of the Redis they were seen in. A value is kept
/// only while the generations are those of its stamp, carries them with it and
/// is seen only where they still are. So nothing Redis may lose brings back
/// what is stale: a value whose generation was emptied, evicted, ran out or
/// was flushed fits no later one, and after a restart from an old snapshot, or
/// on a replica that took over, no value fits at all.
///
/// A group that could not be emptied, since Redis did not answer, is emptied
/// as soon as it does; until then every read through this cache fails, and
/// other replicas may see the group's old values.
///
/// Any eviction policy will do.
#[derive(Clone, Debug)]
pub struct RedisCache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    link: RedisLink,
    stamp: Script,
    put: Script,
    unemptied: Arrears<String>,
}

impl RedisCache {
    /// The most bytes a value may have to be kept: 1 MiB. A larger one is not
    /// an error, and not kept.
    pub const MAX_VALUE: usize = 1 << 20;

    /// A cache at the end of `link`.
    pub fn new(link: RedisLink) -> Self {
        Self(Arc::new(Inner {
            link,
            stamp: Script::new(include_str!("stamp.lua")),
            put: Script::new(include_str!("put.lua")),
            unemptied: Arrears::default(),
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

impl Inner {
    async fn get(&self, key: &str, groups: &[&str]) -> Result<Cached> {
        if !self.unemptied.is_empty() {
            // Nobody who reads waits for what is made up for beside it.
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
        // Worth a wait also while Redis is out: who changed something waits, not who reads.
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
        // Goes on where the caller goes away: the change it is for has been made.
        let emptying = tokio::spawn(async move {
            let result = inner.empty(std::slice::from_ref(&group)).await;
            if result.is_err() && inner.unemptied.add(group) {
                tokio::spawn(async move {
                    let inner = &inner;
                    inner.unemptied.make_up(|groups| async move { inner.empty(&groups).await }).await;
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

/// A name no generation ever had.
fn new_generation() -> String {
    HEXLOWER.encode(&rand::random::<[u8; 16]>())
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
