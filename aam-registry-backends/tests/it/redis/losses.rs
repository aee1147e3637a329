//! Redis may lose any part of its data, and the cache never returns stale values.

use std::time::Duration;

use aam_registry_backends::redis::RedisCache;
use aam_registry_core::{ports::SharedCache, testing::shared_cache};
use bytes::Bytes;
use redis::aio::MultiplexedConnection;

use super::{
    proxy::Proxy,
    server::Server,
    world::{LONG, config, fill, hasty, keys, link, plain, prefix, until, url, value},
};

const GROUPS: [&str; 2] = ["package", "scope"];

async fn delete(redis: &mut MultiplexedConnection, key: &str) {
    let deleted: u64 = redis::cmd("DEL").arg(key).query_async(redis).await.expect("del");
    assert_eq!(deleted, 1, "{key} was not there");
}

#[tokio::test]
async fn any_key_may_go_alone() {
    let (prefix, mut redis) = (prefix(), plain(&url()).await);
    let cache = RedisCache::new(link(&config(&url()).with_key_prefix(&*prefix)));
    for lost in ["cache:value:key", "cache:group:package", "cache:group:scope"] {
        let before = cache.get("key", &GROUPS).await.expect("get").stamp;
        fill(&cache, "key", &GROUPS, "value").await;
        delete(&mut redis, &format!("{prefix}{lost}")).await;
        assert_eq!(value(&cache, "key", &GROUPS).await, None, "seen without {lost}");
        if lost != "cache:value:key" {
            cache.put("key", &GROUPS, Bytes::from_static(b"old"), &before, LONG).await.expect("put");
            assert_eq!(value(&cache, "key", &GROUPS).await, None, "put by a stamp from before {lost} was lost");
        }
        // The group was emptied meanwhile, and the value is still stored with its old generation.
        fill(&cache, "key", &GROUPS, "value").await;
        cache.empty(GROUPS[0]).await.expect("empty");
        assert!(keys(&mut redis, &prefix).await.contains(&format!("{prefix}cache:value:key")));
        assert_eq!(value(&cache, "key", &GROUPS).await, None);
    }
}

#[tokio::test]
async fn everything_may_go_between_a_read_and_its_put() {
    let server = Server::start().await;
    let (cache, mut redis) = (RedisCache::new(link(&config(&server.url()))), plain(&server.url()).await);
    fill(&cache, "other", &GROUPS, "value").await;
    let before = cache.get("key", &GROUPS).await.expect("get").stamp;
    let () = redis::cmd("FLUSHALL").query_async(&mut redis).await.expect("flush");
    cache.put("key", &GROUPS, Bytes::from_static(b"old"), &before, LONG).await.expect("put");
    assert_eq!(value(&cache, "key", &GROUPS).await, None);
    cache.put("key", &GROUPS, Bytes::from_static(b"old"), &before, LONG).await.expect("put");
    assert_eq!(value(&cache, "key", &GROUPS).await, None);
    assert_eq!(value(&cache, "other", &GROUPS).await, None);
    fill(&cache, "key", &GROUPS, "new").await;
    assert_eq!(value(&cache, "key", &GROUPS).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_restart_from_an_old_snapshot_brings_nothing_back() {
    let mut server = Server::start().await;
    let (config, mut redis) = (hasty(&server.url()).with_key_prefix("t:"), plain(&server.url()).await);
    let cache = RedisCache::new(link(&config));
    fill(&cache, "key", &GROUPS, "old").await;
    let () = redis::cmd("SAVE").query_async(&mut redis).await.expect("save");
    let before = cache.get("key", &GROUPS).await.expect("get").stamp;
    cache.empty(GROUPS[0]).await.expect("empty");
    server.kill();
    server.restart().await;
    let mut redis = plain(&server.url()).await;
    let kept: Bytes = redis::cmd("GET").arg("t:cache:value:key").query_async(&mut redis).await.expect("get");
    assert!(kept.ends_with(b"old"), "the snapshot holds what is stale");

    until("the cache answers", async || cache.get("key", &GROUPS).await.is_ok()).await;
    for cache in [&cache, &RedisCache::new(link(&config))] {
        assert_eq!(value(cache, "key", &GROUPS).await, None);
        cache.put("key", &GROUPS, Bytes::from_static(b"old"), &before, LONG).await.expect("put");
        assert_eq!(value(cache, "key", &GROUPS).await, None, "put by a stamp from before the restart");
    }
    fill(&cache, "key", &GROUPS, "new").await;
    assert_eq!(value(&cache, "key", &GROUPS).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_replica_that_lags_and_takes_over_brings_nothing_back() {
    let (first, second) = (Server::start().await, Server::start().await);
    let proxy = Proxy::to(first.port()).await;
    let cache = RedisCache::new(link(&hasty(&proxy.url()).with_key_prefix("t:")));
    let mut replica = plain(&second.url()).await;
    let follow = |host: &str, port: &str| redis::cmd("REPLICAOF").arg(host).arg(port).to_owned();
    let () = follow("127.0.0.1", &first.port().to_string()).query_async(&mut replica).await.expect("follow");
    fill(&cache, "key", &GROUPS, "old").await;
    until("the replica has the value", async || {
        let kept = redis::cmd("GET").arg("t:cache:value:key").query_async::<Option<Bytes>>(&mut replica).await;
        kept.is_ok_and(|kept| kept.is_some())
    })
    .await;
    // It does not receive what comes after this.
    let () = follow("NO", "ONE").query_async(&mut replica).await.expect("promote");
    let before = cache.get("key", &GROUPS).await.expect("get").stamp;
    cache.empty(GROUPS[1]).await.expect("empty");
    proxy.lead_to(second.port());

    until("the cache answers", async || cache.get("key", &GROUPS).await.is_ok()).await;
    assert_eq!(value(&cache, "key", &GROUPS).await, None);
    cache.put("key", &GROUPS, Bytes::from_static(b"old"), &before, LONG).await.expect("put");
    assert_eq!(value(&cache, "key", &GROUPS).await, None);
}

#[tokio::test]
async fn eviction_at_random_shows_nothing_stale() {
    let server = Server::with(&["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-random"]).await;
    let cache = RedisCache::new(link(&config(&server.url())));
    let mut redis = plain(&server.url()).await;
    let crowd = async {
        for n in 0_u64.. {
            let junk = vec![7_u8; 20_000];
            let () = redis::cmd("SET").arg(n).arg(junk).query_async(&mut redis).await.expect("set");
        }
    };
    tokio::select! {
        () = shared_cache::nothing_older_than_the_last_emptying_is_seen(&cache) => {}
        () = crowd => {}
    }
    let stats: String = redis::cmd("INFO").arg("stats").query_async(&mut redis).await.expect("info");
    let evicted = stats.lines().find_map(|line| line.strip_prefix("evicted_keys:")).expect("a count");
    assert_ne!(evicted, "0", "nothing was evicted");
}

#[tokio::test]
async fn a_full_redis_that_evicts_nothing_is_an_error_and_no_more() {
    let server = Server::with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]).await;
    let cache = RedisCache::new(link(&config(&server.url()).with_pause(Duration::from_hours(1))));
    for _ in 0..3 {
        let error = cache.get("key", &GROUPS).await.expect_err("there is no room");
        assert_eq!(error.code().as_str(), "cache_unavailable");
        assert!(format!("{error:?}").contains("OOM"), "it was given up, though it answers: {error:?}");
    }
    let error = cache.check().await.expect_err("it answers, and keeps nothing");
    assert!(format!("{error:?}").contains("OOM"), "{error:?}");
}
