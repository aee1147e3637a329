use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use aam_registry_backends::redis::{RedisCache, RedisConfig};
use aam_registry_core::{
    Result,
    ports::{Cached, SharedCache, Stamp},
    shared_cache_conformance,
};
use async_trait::async_trait;
use bytes::Bytes;

use super::world::{LONG, config, fill, keys, link, plain, prefix, url, value};

fn cache(config: &RedisConfig) -> RedisCache {
    RedisCache::new(link(config))
}

mod one {
    use super::*;

    shared_cache_conformance!(async { (cache(&config(&url())), ()) });
}

/// Two replicas, of which each call uses the next.
#[derive(Debug)]
struct Replicas([RedisCache; 2], AtomicUsize);

impl Replicas {
    fn next(&self) -> &RedisCache {
        &self.0[self.1.fetch_add(1, Ordering::SeqCst) % 2]
    }
}

#[async_trait]
impl SharedCache for Replicas {
    async fn get(&self, key: &str, groups: &[&str]) -> Result<Cached> {
        self.next().get(key, groups).await
    }

    async fn put(&self, key: &str, groups: &[&str], value: Bytes, stamp: &Stamp, lifetime: Duration) -> Result<()> {
        self.next().put(key, groups, value, stamp, lifetime).await
    }

    async fn empty(&self, group: &str) -> Result<()> {
        self.next().empty(group).await
    }

    async fn check(&self) -> Result<()> {
        self.next().check().await
    }
}

mod replicas {
    use super::*;

    shared_cache_conformance!(async {
        let config = config(&url());
        (Replicas([cache(&config), cache(&config)], AtomicUsize::new(0)), ())
    });
}

#[tokio::test]
async fn registries_with_other_prefixes_share_nothing() {
    let (one, two) = (cache(&config(&url())), cache(&config(&url())));
    fill(&one, "key", &["group"], "value").await;
    assert_eq!(value(&two, "key", &["group"]).await, None);
    two.empty("group").await.expect("empty");
    assert_eq!(value(&one, "key", &["group"]).await.as_deref(), Some("value"));
}

#[tokio::test]
async fn what_is_too_large_is_not_kept() {
    let cache = cache(&config(&url()));
    let stamp = cache.get("key", &["group"]).await.expect("get").stamp;
    for (len, kept) in [(RedisCache::MAX_VALUE, true), (RedisCache::MAX_VALUE + 1, false)] {
        let key = len.to_string();
        cache.put(&key, &["group"], vec![7; len].into(), &stamp, LONG).await.expect("put");
        let back = cache.get(&key, &["group"]).await.expect("get").value;
        assert_eq!(back.map(|back| back.len()), kept.then_some(len));
    }
}

#[tokio::test]
async fn nothing_stays_for_ever_and_groups_outlive_their_values() {
    let (prefix, mut redis) = (prefix(), plain(&url()).await);
    let cache = cache(&config(&url()).with_key_prefix(&*prefix));
    fill(&cache, "key", &["a", "b"], "value").await;
    cache.get("another", &["c"]).await.expect("get");
    let stamp = cache.get("forever", &["b"]).await.expect("get").stamp;
    cache.put("forever", &["b"], Bytes::new(), &stamp, Duration::MAX).await.expect("put");
    let mut lives = Vec::new();
    for key in keys(&mut redis, &prefix).await {
        let left: u64 = redis::cmd("PTTL").arg(&key).query_async(&mut redis).await.expect("an end");
        lives.push((key[prefix.len()..].to_owned(), left));
    }
    let life = |key: &str| lives.iter().find(|(name, _)| name == key).expect("the key").1;
    assert_eq!(lives.len(), 5, "{lives:?}");
    assert!(life("cache:group:a") > life("cache:value:key"), "{lives:?}");
    assert!(life("cache:group:b") > life("cache:value:forever"), "{lives:?}");
    assert!(life("cache:group:c") <= 60_000, "{lives:?}");
}

#[tokio::test]
async fn a_stamp_of_something_else_puts_nothing() {
    let cache = cache(&config(&url()));
    let stamp = cache.get("key", &["a", "b"]).await.expect("get").stamp;
    let mut others = vec![Stamp(Vec::new()), Stamp(vec![String::new(); 3])];
    for part in 0..3 {
        let mut other = stamp.clone();
        other.0[part].push('0');
        others.push(other);
        let mut shorter = stamp.clone();
        shorter.0.remove(part);
        others.push(shorter);
    }
    for other in others {
        cache.put("key", &["a", "b"], Bytes::from_static(b"value"), &other, LONG).await.expect("put");
        assert_eq!(value(&cache, "key", &["a", "b"]).await, None, "{other:?} put a value");
    }
}
