use std::time::Duration;

use aam_registry_backends::redis::RedisCache;
use aam_registry_core::ports::SharedCache;
use futures_util::{FutureExt, future::join_all};
use tokio::time::timeout;

use crate::redis::{
    proxy::{Proxy, Weather},
    server::{Server, free_port},
    world::{LONG, PATIENCE, config, fill, hasty, link, until, value},
};

const GROUPS: [&str; 2] = ["package", "scope"];

/// Whether the cache answers. It may fail, but has to do so in time.
async fn answers(cache: &RedisCache) -> bool {
    timeout(PATIENCE, cache.get("key", &GROUPS)).await.expect("nothing hangs").is_ok()
}

#[tokio::test]
async fn it_fails_and_comes_back_whatever_the_weather() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port()).await;
    let cache = RedisCache::new(link(&hasty(&proxy.url())));
    for weather in [Weather::Broken, Weather::Silent, Weather::Slow(Duration::from_secs(2))] {
        // More calls than the pool has connections, so that all of them are open when they become bad.
        until("it answers", async || join_all((0..20).map(|_| answers(&cache))).await.into_iter().all(|ok| ok)).await;
        fill(&cache, "key", &GROUPS, "value").await;
        proxy.turn(weather);
        until("it fails", async || !answers(&cache).await).await;
        let stamp = aam_registry_core::ports::Stamp(vec![String::new(); 3]);
        let putting = cache.put("key", &GROUPS, "value".into(), &stamp, LONG);
        assert!(timeout(PATIENCE, putting).await.expect("nothing hangs").is_err(), "{weather:?}");
        proxy.turn(Weather::Fair);
        until("it answers again", async || answers(&cache).await).await;
        assert_eq!(value(&cache, "key", &GROUPS).await.as_deref(), Some("value"), "{weather:?}");
    }
}

#[tokio::test]
async fn it_survives_a_redis_that_is_killed_or_hangs() {
    let mut server = Server::start().await;
    let cache = RedisCache::new(link(&hasty(&server.url())));
    until("it answers", async || answers(&cache).await).await;
    server.kill();
    until("it fails", async || !answers(&cache).await).await;
    server.restart().await;
    until("it answers again", async || answers(&cache).await).await;
    server.freeze();
    until("it fails", async || !answers(&cache).await).await;
    server.thaw();
    until("it answers again", async || answers(&cache).await).await;
}

#[tokio::test]
async fn it_starts_without_redis() {
    let cache = RedisCache::new(link(&hasty(&format!("redis://127.0.0.1:{}", free_port()))));
    assert!(!answers(&cache).await);
    assert!(cache.check().await.is_err());
    assert!(cache.empty("package").await.is_err());
}

#[tokio::test]
async fn what_could_not_be_emptied_is_emptied_later() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port()).await;
    let (here, there) = (hasty(&proxy.url()).with_key_prefix("t:"), config(&server.url()).with_key_prefix("t:"));
    let (here, there) = (RedisCache::new(link(&here)), RedisCache::new(link(&there)));
    fill(&there, "key", &GROUPS, "old").await;
    fill(&there, "other", &["other"], "value").await;
    until("it answers", async || answers(&here).await).await;
    proxy.turn(Weather::Broken);
    here.empty("package").await.expect_err("redis is out of reach");
    let reading = here.get("other", &["other"]).now_or_never().expect("nobody waits for what is owed");
    reading.expect_err("it may be of what was to be emptied");
    assert_eq!(value(&there, "key", &GROUPS).await.as_deref(), Some("old"), "nobody else can know");
    proxy.turn(Weather::Fair);
    // This replica gets no further calls: it empties the groups by itself.
    until("the others see nothing old", async || value(&there, "key", &GROUPS).await.is_none()).await;
    assert_eq!(value(&there, "other", &["other"]).await.as_deref(), Some("value"));
}

#[tokio::test]
async fn what_could_not_be_emptied_is_not_seen_by_who_emptied_it() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port()).await;
    let cache = RedisCache::new(link(&hasty(&proxy.url())));
    until("it answers", async || answers(&cache).await).await;
    for round in 0..5 {
        fill(&cache, "key", &GROUPS, "old").await;
        proxy.turn(Weather::Broken);
        until("it fails", async || !answers(&cache).await).await;
        cache.empty(GROUPS[round % 2]).await.expect_err("redis is out of reach");
        proxy.turn(Weather::Fair);
        until("it answers again", async || {
            let Ok(cached) = cache.get("key", &GROUPS).await else { return false };
            assert_eq!(cached.value, None, "seen after it was emptied");
            true
        })
        .await;
    }
}

#[tokio::test]
async fn an_emptying_goes_on_where_the_caller_goes_away() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port()).await;
    let (here, there) = (config(&proxy.url()).with_key_prefix("t:"), config(&server.url()).with_key_prefix("t:"));
    let (here, there) = (RedisCache::new(link(&here)), RedisCache::new(link(&there)));
    assert!(answers(&here).await);
    fill(&there, "key", &GROUPS, "old").await;
    proxy.turn(Weather::Slow(Duration::from_millis(200)));
    let heard = proxy.heard();
    tokio::select! {
        _ = here.empty("package") => panic!("it takes longer"),
        () = until("it is under way", async || proxy.heard() > heard) => {}
    }
    until("it is emptied", async || value(&there, "key", &GROUPS).await.is_none()).await;
}
