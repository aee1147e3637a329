use std::time::Duration;

use aam_registry_backends::{
    RateLimits,
    governor::GovernorLimiter,
    redis::{RedisConfig, RedisLimiter},
};
use aam_registry_core::{
    ports::{RateClass, RateLimiter},
    rate_limiter_conformance,
    testing::rate_limit::LIMITS,
    types::RateDecision,
};
use futures_util::future::join_all;

use super::{
    server::Server,
    world::{config, keys, link, plain, prefix, url},
};

fn limits() -> RateLimits {
    LIMITS.into_iter().fold(RateLimits::default(), |limits, (class, limit)| limits.with(class, limit))
}

fn limiter(config: &RedisConfig) -> RedisLimiter {
    RedisLimiter::new(link(config), &limits())
}

async fn take(limiter: &dyn RateLimiter, class: RateClass, client: &str) -> RateDecision {
    limiter.take(class, client).await.expect("take").expect("the class is limited")
}

rate_limiter_conformance!(async { (limiter(&config(&url())), ()) });

#[tokio::test]
async fn limiters_on_one_redis_share_one_budget() {
    let config = config(&url());
    let replicas = [limiter(&config), limiter(&config)];
    for taken in 1..=5 {
        let decision = take(&replicas[taken % 2], RateClass::Auth, "a").await;
        assert_eq!((decision.remaining, decision.retry_after), (5 - u32::try_from(taken).expect("few"), None));
    }
    for replica in &replicas {
        assert!(take(replica, RateClass::Auth, "a").await.retry_after.is_some());
    }
    let at_once = join_all((0..50).map(|n| take(&replicas[n % 2], RateClass::Download, "a"))).await;
    assert_eq!(at_once.iter().filter(|decision| decision.retry_after.is_none()).count(), 10);
}

#[tokio::test]
async fn registries_with_other_prefixes_share_nothing() {
    let (one, two) = (limiter(&config(&url())), limiter(&config(&url())));
    for limiter in [&one, &two] {
        assert_eq!(take(limiter, RateClass::Publish, "a").await.retry_after, None);
    }
}

#[tokio::test]
async fn it_tells_the_numbers_that_the_limiter_of_one_process_tells() {
    // Limits so low that nothing is given back during the test.
    let limits = RateLimits::OFF.with(RateClass::Search, 2).with(RateClass::Auth, 1).with(RateClass::Other, 3);
    let shared = RedisLimiter::new(link(&config(&url())), &limits);
    let own = GovernorLimiter::new(&limits);
    for class in [RateClass::Search, RateClass::Auth, RateClass::Other] {
        loop {
            let (shared, own) = (take(&shared, class, "a").await, take(&own, class, "a").await);
            let Some((shared_wait, own_wait)) = shared.retry_after.zip(own.retry_after) else {
                assert_eq!(shared, own);
                continue;
            };
            assert_eq!((shared.limit, shared.remaining), (own.limit, own.remaining));
            // The waits differ by the time between the two calls; the rest does not.
            assert_eq!(shared.reset.checked_sub(shared_wait), own.reset.checked_sub(own_wait));
            break;
        }
    }
    assert_eq!(shared.take(RateClass::Download, "a").await.expect("take"), None);
}

#[tokio::test]
async fn nothing_stays_for_ever_and_nobody_is_named() {
    let (prefix, mut redis) = (prefix(), plain(&url()).await);
    let limiter = limiter(&config(&url()).with_key_prefix(&*prefix));
    for client in ["user:ada", "account:ada@example.com", "2001:db8::1", "*", "", &"long".repeat(10_000)] {
        take(&limiter, RateClass::Search, client).await;
    }
    let keys = keys(&mut redis, &prefix).await;
    assert_eq!(keys.len(), 6);
    for key in keys {
        assert!(key.starts_with(&format!("{prefix}limit:search:")) && key.len() < prefix.len() + 50, "{key}");
        assert!(!key.contains("ada") && !key.contains("db8"), "{key}");
        let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut redis).await.expect("pttl");
        assert!((1..=60_000).contains(&left), "{key} stays for {left} ms");
    }
}

#[tokio::test]
async fn what_cannot_be_in_a_key_locks_nobody_out() {
    let (prefix, mut redis) = (prefix(), plain(&url()).await);
    let limiter = limiter(&config(&url()).with_key_prefix(&*prefix));
    take(&limiter, RateClass::Auth, "a").await;
    let key = keys(&mut redis, &prefix).await.pop().expect("a key");
    // As after the clock was set back by a year.
    let (seconds, _): (u64, u64) = redis::cmd("TIME").query_async(&mut redis).await.expect("time");
    let next_year = (seconds + 365 * 86_400) * 1_000_000;
    let () = redis::cmd("SET").arg(&key).arg(next_year).query_async(&mut redis).await.expect("set");
    let refused = take(&limiter, RateClass::Auth, "a").await;
    assert!(refused.retry_after.is_some_and(|wait| wait <= Duration::from_secs(12)), "{refused:?}");
    assert!(refused.reset <= Duration::from_mins(1), "{refused:?}");
    let () = redis::cmd("SET").arg(&key).arg("nonsense").query_async(&mut redis).await.expect("set");
    let passed = take(&limiter, RateClass::Auth, "a").await;
    assert_eq!((passed.remaining, passed.retry_after), (4, None));
}

#[tokio::test]
async fn a_redis_that_forgot_the_script_is_given_it_again() {
    let server = Server::start().await;
    let (limiter, mut redis) = (limiter(&config(&server.url())), plain(&server.url()).await);
    for remaining in [4, 3, 2] {
        assert_eq!(take(&limiter, RateClass::Auth, "a").await.remaining, remaining);
        let () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut redis).await.expect("flush");
    }
}
