use std::time::Duration;

use aam_registry_backends::{
    RateLimits,
    governor::GovernorLimiter,
    redis::{RedisConfig, RedisLimiter},
};
use aam_registry_core::{
    decorate::FallbackLimiter,
    ports::{RateClass, RateLimiter},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::timeout;

use crate::redis::{
    proxy::{Proxy, Weather},
    server::{Server, free_port},
    world::{PATIENCE, hasty, link, plain, until},
};

/// The limits by which a test tells which limiter decided.
const SHARED: u32 = 1_000_000;
const OWN: u32 = 2_000_000;

fn limiter(config: &RedisConfig) -> FallbackLimiter {
    let limits = |per_minute| RateLimits::OFF.with(RateClass::Search, per_minute);
    let shared = RedisLimiter::new(link(config), &limits(SHARED));
    FallbackLimiter::with_pause(shared, GovernorLimiter::new(&limits(OWN)), Duration::from_millis(100))
}

/// The limit of the limiter that decided one request. The tests assert that there always is a decision.
async fn limit(limiter: &FallbackLimiter) -> u32 {
    let taking = timeout(PATIENCE, limiter.take(RateClass::Search, "a")).await;
    taking.expect("nothing hangs").expect("nothing fails").expect("the class is limited").limit
}

async fn until_judged_by(limiter: &FallbackLimiter, per_minute: u32) {
    until(&format!("limits of {per_minute}"), async || limit(limiter).await == per_minute).await;
}

#[tokio::test]
async fn it_falls_back_and_comes_back_whatever_the_weather() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port()).await;
    let limiter = limiter(&hasty(&proxy.url()));
    for weather in [Weather::Broken, Weather::Silent, Weather::Slow(Duration::from_secs(2))] {
        until_judged_by(&limiter, SHARED).await;
        limiter.check().await.expect("check");
        proxy.turn(weather);
        until_judged_by(&limiter, OWN).await;
        assert!(limiter.check().await.is_err(), "{weather:?}");
        proxy.turn(Weather::Fair);
    }
    until_judged_by(&limiter, SHARED).await;
}

#[tokio::test]
async fn it_survives_a_redis_that_is_killed_or_hangs() {
    let mut server = Server::start().await;
    let limiter = limiter(&hasty(&server.url()));
    until_judged_by(&limiter, SHARED).await;
    server.kill();
    until_judged_by(&limiter, OWN).await;
    server.restart().await;
    until_judged_by(&limiter, SHARED).await;
    server.freeze();
    until_judged_by(&limiter, OWN).await;
    server.thaw();
    until_judged_by(&limiter, SHARED).await;
}

#[tokio::test]
async fn it_starts_without_redis() {
    let limiter = limiter(&hasty(&format!("redis://127.0.0.1:{}", free_port())));
    for _ in 0..100 {
        assert_eq!(limit(&limiter).await, OWN);
    }
}

#[tokio::test]
async fn it_leaves_a_server_that_became_a_replica() {
    let (first, second) = (Server::start().await, Server::start().await);
    let proxy = Proxy::to(first.port()).await;
    let limiter = limiter(&hasty(&proxy.url()));
    until_judged_by(&limiter, SHARED).await;
    let mut redis = plain(&first.url()).await;
    let mut follow = redis::cmd("REPLICAOF");
    let () = follow.arg("127.0.0.1").arg(second.port()).query_async(&mut redis).await.expect("follow");
    until_judged_by(&limiter, OWN).await;
    proxy.lead_to(second.port());
    until_judged_by(&limiter, SHARED).await;
}

#[tokio::test]
async fn one_that_is_out_is_not_asked_for_a_while() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port()).await;
    let limits = RateLimits::default();
    let limiter = RedisLimiter::new(link(&hasty(&proxy.url()).with_pause(Duration::from_hours(1))), &limits);
    until("redis answers", async || limiter.check().await.is_ok()).await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    proxy.turn(Weather::Silent);
    limiter.take(RateClass::Search, "a").await.expect_err("nobody answers");
    proxy.turn(Weather::Fair);
    let heard = proxy.heard();
    for _ in 0..100 {
        let error = limiter.take(RateClass::Search, "a").await.expect_err("it was out a moment ago");
        assert_eq!(error.code().as_str(), "cache_unavailable");
    }
    assert_eq!(proxy.heard(), heard, "it was asked all the same");
    let told = metrics.render();
    assert!(told.contains(r#"aam_redis_failures_total{use="limiter"} 1"#), "{told}");
    // A health check asks the first limiter.
    until("it is back", async || limiter.check().await.is_ok()).await;
    assert!(limiter.take(RateClass::Search, "a").await.is_ok(), "and used again");
}
