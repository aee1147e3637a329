//! Rate limits.

use aam_registry_core::{
    Error, Result,
    memory::MemoryLimiter,
    ports::{RateClass, RateLimiter},
    types::RateDecision,
};
use async_trait::async_trait;
use http::Method;
use serde_json::json;

use super::site::{Site, from, limited, request};
use crate::registry::world::{PASSWORD, World};

#[tokio::test]
async fn an_address_has_so_many_requests_a_class() {
    let site = limited(MemoryLimiter::unlimited().with_limit(RateClass::Search, 2).with_limit(RateClass::Other, 1));
    let search = |peer: &'static str| from(&site, peer, Method::GET, "/api/v1/packages", &[]);
    for remaining in ["1", "0"] {
        let reply = search("192.0.2.1").await;
        assert_eq!(reply.status, 200);
        assert_eq!((reply.header("ratelimit-limit"), reply.header("ratelimit-remaining")), ("2", remaining));
        assert!((1..=60).contains(&reply.header("ratelimit-reset").parse::<u32>().expect("seconds")));
    }
    let refused = search("192.0.2.1").await;
    refused.assert_error(429, "rate_limited");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    assert_eq!(search("192.0.2.2").await.status, 200, "another address");
    assert_eq!(site.get("/api/v1/packages/nobody").await.status, 404, "another class");
    site.get("/api/v1/packages/nobody").await.assert_error(429, "rate_limited");
    let health = site.get("/health").await;
    assert_eq!((health.status.as_u16(), health.header_if_any("ratelimit-limit")), (200, None), "never limited");
}

#[tokio::test]
async fn an_ipv6_network_is_one_client_and_proxies_tell_clients_apart() {
    let site = limited(MemoryLimiter::unlimited().with_limit(RateClass::Search, 1));
    let search = |peer: &'static str, forwarded: &'static str| async {
        let headers: &[(&str, &str)] = if forwarded.is_empty() { &[] } else { &[("x-forwarded-for", forwarded)] };
        from(&site, peer, Method::GET, "/api/v1/packages", headers).await.status.as_u16()
    };
    assert_eq!(search("[2001:db8::1]", "").await, 200);
    assert_eq!(search("[2001:db8::2]", "").await, 429);
    assert_eq!(search("[2001:db8:0:1::1]", "").await, 200);
    assert_eq!(search("127.0.0.1", "203.0.113.1").await, 200);
    assert_eq!(search("127.0.0.1", "203.0.113.2").await, 200);
    assert_eq!(search("127.0.0.1", "203.0.113.1").await, 429);
    assert_eq!(search("203.0.113.77", "203.0.113.3").await, 200);
    assert_eq!(search("203.0.113.77", "203.0.113.4").await, 429, "nobody else is believed");
}

#[tokio::test]
async fn a_principal_is_limited_wherever_it_calls_from() {
    let site = limited(MemoryLimiter::unlimited().with_limit(RateClass::Search, 1));
    let ada = format!("Bearer {}", site.user("ada").await);
    let bob = format!("Bearer {}", site.user("bob").await);
    let search = |peer: &'static str, token: &str| {
        let token = token.to_owned();
        let site = &site;
        async move { from(site, peer, Method::GET, "/api/v1/packages", &[("authorization", &token)]).await }
    };
    let first = search("192.0.2.1", &ada).await;
    assert_eq!((first.status.as_u16(), first.header("ratelimit-remaining")), (200, "0"));
    search("192.0.2.2", &ada).await.assert_error(429, "rate_limited");
    assert_eq!(search("192.0.2.1", &bob).await.status, 200, "the address does not count for principals");
}

#[derive(Debug)]
struct Broken;

#[async_trait]
impl RateLimiter for Broken {
    async fn take(&self, _: RateClass, _: &str) -> Result<Option<RateDecision>> {
        Err(Error::cache("cache.internal is away", true))
    }

    async fn give_back(&self, _: RateClass, _: &str) -> Result<()> {
        Err(Error::cache("cache.internal is away", true))
    }

    async fn check(&self) -> Result<()> {
        Err(Error::cache("cache.internal is away", true))
    }
}

#[tokio::test]
async fn a_limiter_that_fails_fails_no_request() {
    let site = Site::of(World::with(|builder, _, _| builder.rate_limiter(Broken)));
    site.user("ada").await;
    let body = json!({"username": "ada", "password": PASSWORD}).to_string();
    let login = request(Method::POST, "/api/v1/users/login", &[("content-type", "application/json")], body);
    assert_eq!(site.send(login).await.status, 200);
    assert_eq!(site.get("/api/v1/packages").await.status, 200);
    let health = site.get("/health/cache").await;
    health.assert_error(503, "cache_unavailable");
    assert!(!health.text().contains("cache.internal"), "{health:?}");
}
