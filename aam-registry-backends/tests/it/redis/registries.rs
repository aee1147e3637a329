//! Registries that share a Redis, and one that does not know its id yet.

use aam_registry_backends::{
    RateLimits,
    redis::{RedisCache, RedisChanges, RedisConfig, RedisLimiter, RedisLink},
};
use aam_registry_core::{
    ErrorCode,
    ports::{ChangeEvent, ChangeFeed, RateClass, RateLimiter, SharedCache},
    types::RegistryId,
};

use super::{
    changes::{next, package},
    server::Server,
    world::{config, fill, plain, until, url, value},
};

/// A replica of a registry.
fn replica(config: &RedisConfig, registry: RegistryId) -> RedisLink {
    let link = RedisLink::awaiting_registry(config).expect("a link");
    link.set_registry(registry);
    link
}

#[tokio::test]
async fn two_registries_share_nothing_and_replicas_of_one_share_all() {
    let config = config(&url());
    let (here, elsewhere) = (RegistryId::generate(), RegistryId::generate());
    let [one, two, other] = [here, here, elsewhere].map(|registry| replica(&config, registry));

    let cache = |link: &RedisLink| RedisCache::new(link.clone());
    fill(&cache(&one), "key", &["group"], "value").await;
    assert_eq!(value(&cache(&two), "key", &["group"]).await.as_deref(), Some("value"));
    assert_eq!(value(&cache(&other), "key", &["group"]).await, None);
    cache(&other).empty("group").await.expect("empty");
    assert_eq!(value(&cache(&two), "key", &["group"]).await.as_deref(), Some("value"));

    let limits = RateLimits::OFF.with(RateClass::Auth, 1);
    let passes = async |link: &RedisLink| {
        let taken = RedisLimiter::new(link.clone(), &limits).take(RateClass::Auth, "a").await;
        taken.expect("take").expect("limited").retry_after.is_none()
    };
    assert!(passes(&one).await && !passes(&two).await && passes(&other).await);

    let feed = |link: &RedisLink| RedisChanges::new(link.clone());
    let mut events = feed(&two).subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    feed(&other).announce(&package("theirs")).await.expect("announce");
    feed(&one).announce(&package("ours")).await.expect("announce");
    assert_eq!(next(&mut events).await, ChangeEvent::Changed(package("ours")));
}

#[tokio::test]
async fn until_the_registry_is_known_redis_is_done_without() {
    let link = RedisLink::awaiting_registry(&config(&url())).expect("a link");
    let (cache, limits) = (RedisCache::new(link.clone()), RateLimits::default());
    let (limiter, feed) = (RedisLimiter::new(link.clone(), &limits), RedisChanges::new(link.clone()));
    let mut events = feed.subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Lost);
    let refused = cache.get("key", &["group"]).await.expect_err("no key has a name yet");
    assert!(format!("{refused:?}").contains("which registry"), "{refused:?}");
    assert!(limiter.take(RateClass::Auth, "a").await.is_err());
    assert_eq!(link.check().await.expect_err("not yet").code(), ErrorCode::CacheUnavailable);

    link.set_registry(RegistryId::generate());
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    fill(&cache, "key", &["group"], "value").await;
    assert!(limiter.take(RateClass::Auth, "a").await.expect("take").is_some());
    link.check().await.expect("it is well");
}

#[tokio::test]
async fn a_redis_that_keeps_nothing_is_not_well() {
    let server = Server::with(&["--maxmemory-policy", "noeviction"]).await;
    let link = RedisLink::new(&config(&server.url())).expect("a link");
    link.check().await.expect("it is well");
    let mut redis = plain(&server.url()).await;
    let mut set = async |name: &str, to: &str| {
        let set: String = redis::cmd("CONFIG").arg("SET").arg(name).arg(to).query_async(&mut redis).await.expect("set");
        assert_eq!(set, "OK");
    };
    set("maxmemory", "1").await;
    let error = link.check().await.expect_err("out of memory");
    assert!(format!("{error:?}").contains("OOM"), "{error:?}");
    set("maxmemory", "0").await;
    link.check().await.expect("it is well again");
}

#[tokio::test]
async fn a_redis_that_takes_no_writes_is_not_well() {
    let primary = Server::start().await;
    let replica = Server::with(&["--replicaof", &format!("127.0.0.1 {}", primary.port())]).await;
    let link = RedisLink::new(&config(&replica.url())).expect("a link");
    until("the replica says that it is one", async || {
        link.check().await.is_err_and(|error| format!("{error:?}").to_uppercase().contains("READ ONLY"))
    })
    .await;
}
