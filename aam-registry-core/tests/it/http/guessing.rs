//! Limits on guessing credentials and passwords, and who must not be affected by them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use aam_registry_core::{
    Result,
    http::PeerAddr,
    memory::{InsecurePasswords, MemoryLimiter, MemoryMetadata},
    ports::{AuditLog, PasswordHasher, RateClass, TokenHolder, TokenStore},
    types::{Actor, AuditEvent, AuditFilter, PageRequest, Sha256Digest, Token, TokenSecret, TokenUse},
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Semaphore;

use super::{
    reply::Reply,
    site::{Site, from, limited, request},
};
use crate::registry::world::{PASSWORD, World, registration};

/// A database that counts lookups of tokens.
#[derive(Clone, Debug)]
struct CountedTokens {
    database: MemoryMetadata,
    lookups: Arc<AtomicUsize>,
}

#[async_trait]
impl TokenStore for CountedTokens {
    async fn tokens(&self, actor: &Actor, now: Timestamp) -> Result<Vec<Token>> {
        self.database.tokens(actor, now).await
    }

    async fn token_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<TokenHolder>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.database.token_holder(secret, now).await
    }

    async fn touch_tokens(&self, used: &[TokenUse]) -> Result<()> {
        self.database.touch_tokens(used).await
    }
}

/// A site that counts lookups of tokens, with `limit` requests of the class in which bad credentials
/// count.
fn counted(limit: u32) -> (Site, Arc<AtomicUsize>) {
    let lookups = Arc::<AtomicUsize>::default();
    let counting = Arc::clone(&lookups);
    let limiter = MemoryLimiter::unlimited().with_limit(RateClass::Other, limit);
    let world = World::with(|builder, database, _| {
        let tokens = CountedTokens { database: database.clone(), lookups: counting };
        builder.rate_limiter(limiter).tokens(tokens)
    });
    (Site::with(world, "", |builder| builder.metrics(String::new)), lookups)
}

/// Text that looks like a token but is not one.
fn look_alike() -> String {
    format!("Bearer {}", TokenSecret::generate().expose())
}

#[tokio::test]
async fn a_bad_credential_is_paid_for_before_it_is_looked_up_on_every_path() {
    for path in [
        "/health",
        "/health/db",
        "/ready",
        "/metrics",
        "/",
        "/api/docs",
        "/nothing",
        "/api/v1/nothing",
        "/api/v1/packages",
        "/api/v1/packages/kit",
        "/api/v1/packages/kit/1.0.0/download",
        "/api/v1/users/me",
    ] {
        let (site, lookups) = counted(2);
        for _ in 0..2 {
            let reply = from(&site, "192.0.2.1", Method::GET, path, &[("authorization", &look_alike())]).await;
            reply.assert_error(401, "unauthorized");
        }
        for _ in 0..5 {
            let reply = from(&site, "192.0.2.1", Method::GET, path, &[("authorization", &look_alike())]).await;
            reply.assert_error(429, "rate_limited");
        }
        assert_eq!(lookups.load(Ordering::SeqCst), 2, "{path}");
        let wrong_method = from(&site, "192.0.2.1", Method::PUT, path, &[("authorization", &look_alike())]).await;
        wrong_method.assert_error(429, "rate_limited");
        let elsewhere = from(&site, "192.0.2.2", Method::GET, path, &[("authorization", &look_alike())]).await;
        elsewhere.assert_error(401, "unauthorized");
        for _ in 0..5 {
            let anonymous = from(&site, "192.0.2.1", Method::GET, "/health", &[]).await;
            assert_eq!(anonymous.status, 200, "a probe without a credential is free");
        }
    }
}

#[tokio::test]
async fn what_is_no_credential_at_all_is_paid_for_too() {
    let (site, lookups) = counted(2);
    for bad in ["Basic YTpi", "Bearer aam_short"] {
        from(&site, "192.0.2.1", Method::GET, "/health", &[("authorization", bad)])
            .await
            .assert_error(401, "unauthorized");
    }
    from(&site, "192.0.2.1", Method::GET, "/health", &[("authorization", "Bearer e30.e30.e30")])
        .await
        .assert_error(429, "rate_limited");
    assert_eq!(lookups.load(Ordering::SeqCst), 0, "the form tells already");
}

#[tokio::test]
async fn a_good_credential_costs_its_address_nothing() {
    let (site, _) = counted(1);
    let tokens = [site.user("ada").await, site.user("bob").await].map(|token| format!("Bearer {token}"));
    for token in &tokens {
        let reply = from(&site, "192.0.2.1", Method::GET, "/api/v1/users/me", &[("authorization", token)]).await;
        assert_eq!(reply.status, 200, "what was paid is given back");
    }
    let bad = [("authorization", "Bearer nonsense")];
    from(&site, "192.0.2.1", Method::GET, "/", &bad).await.assert_error(401, "unauthorized");
    from(&site, "192.0.2.1", Method::GET, "/", &bad).await.assert_error(429, "rate_limited");
    let reply = from(&site, "192.0.2.1", Method::GET, "/api/v1/packages", &[("authorization", &tokens[0])]).await;
    assert_eq!(reply.status, 200, "one that was good lately is not held up by bad ones beside it");
    let reply = from(&site, "192.0.2.2", Method::GET, "/health", &[("authorization", &tokens[0])]).await;
    reply.assert_error(429, "rate_limited");
    assert_eq!(reply.header("ratelimit-limit"), "1", "whoever is known is limited on every path");
}

#[tokio::test]
async fn a_credential_that_has_ended_is_paid_for_again() {
    let (site, _) = counted(1000);
    let session = site.user("ada").await;
    let bearer = format!("Bearer {session}");
    let headers = [("authorization", &*bearer)];
    let ask = || from(&site, "192.0.2.1", Method::GET, "/api/v1/packages", &headers);
    assert_eq!(ask().await.status, 200);
    site.act(Method::POST, "/api/v1/users/logout", &session).await;
    let first = ask().await;
    first.assert_error(401, "unauthorized");
    assert_eq!(first.header_if_any("ratelimit-remaining"), None, "it was good until now");
    let second = ask().await;
    second.assert_error(401, "unauthorized");
    assert_eq!(second.header("ratelimit-remaining"), "999");
}

async fn login(site: &Site, peer: &str, name: &str, password: &str) -> Reply {
    site.send(login_from(peer, name, password)).await
}

fn login_from(peer: &str, name: &str, password: &str) -> Request<Full<Bytes>> {
    let body = json!({"username": name, "password": password}).to_string();
    let mut request = request(Method::POST, "/api/v1/users/login", &[("content-type", "application/json")], body);
    let peer: SocketAddr = format!("{peer}:1").parse().expect("an address");
    request.extensions_mut().insert(PeerAddr(peer));
    request
}

fn guarded(auth: u32) -> Site {
    let limiter = MemoryLimiter::unlimited();
    limited(limiter.with_limit(RateClass::Auth, auth).with_limit(RateClass::ForgivenLogin, 1))
}

#[tokio::test]
async fn whoever_keeps_failing_for_a_name_does_not_lock_its_owner_out() {
    let site = guarded(3);
    site.user("ada").await;
    for _ in 0..3 {
        login(&site, "192.0.2.66", "ada", "wrong").await.assert_error(401, "invalid_credentials");
    }
    for n in 0..40 {
        login(&site, "192.0.2.66", "ada", "wrong").await.assert_error(429, "rate_limited");
        login(&site, &format!("203.0.113.{n}"), "ada", "wrong").await;
        let owner = login(&site, "198.51.100.7", "ada", PASSWORD).await;
        assert_eq!(owner.status, 200, "after {n} rounds");
    }
    assert_eq!(login(&site, "[2001:db8::1]", "ADA@example.com", PASSWORD).await.status, 200, "by any spelling");
}

#[tokio::test]
async fn right_passwords_do_not_count() {
    let site = guarded(2);
    site.user("ada").await;
    for _ in 0..20 {
        assert_eq!(login(&site, "192.0.2.1", "ada", PASSWORD).await.status, 200);
    }
    login(&site, "192.0.2.1", "ada", "wrong").await.assert_error(401, "invalid_credentials");
    for _ in 0..20 {
        assert_eq!(login(&site, "192.0.2.1", "ada", PASSWORD).await.status, 200);
    }
    login(&site, "192.0.2.1", "ada", "wrong").await.assert_error(401, "invalid_credentials");
    login(&site, "192.0.2.1", "ada", PASSWORD).await.assert_error(429, "rate_limited");
}

#[tokio::test]
async fn an_address_may_fail_so_often_whatever_the_names() {
    let site = guarded(2);
    for name in ["x1", "x2"] {
        login(&site, "192.0.2.4", name, "wrong").await.assert_error(401, "invalid_credentials");
    }
    let refused = login(&site, "192.0.2.4", "x3", "wrong").await;
    refused.assert_error(429, "rate_limited");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
}

/// From however many addresses, an account is guessed at no more often than from one, but for the
/// failure that each address is forgiven.
#[tokio::test]
async fn many_addresses_guess_no_faster_than_one() {
    for name in ["ada", "nobody"] {
        let site = guarded(5);
        site.user("ada").await;
        let mut guesses = 0;
        for round in 0..20 {
            for host in 1..=10 {
                let reply = login(&site, &format!("192.0.2.{host}"), name, "wrong").await;
                guesses += usize::from(reply.status == 401);
                assert!(matches!(reply.status.as_u16(), 401 | 429), "round {round}: {reply:?}");
            }
        }
        // The account's five are taken by the first five; the others had what each is forgiven.
        assert_eq!(guesses, 10, "{name}");
    }
}

#[tokio::test]
async fn networks_that_one_customer_has_are_forgiven_once() {
    let site = guarded(1);
    site.user("ada").await;
    login(&site, "192.0.2.1", "ada", "wrong").await.assert_error(401, "invalid_credentials");
    login(&site, "[2001:db8:1:1::1]", "ada", "wrong").await.assert_error(401, "invalid_credentials");
    login(&site, "[2001:db8:1:2::1]", "ada", "wrong").await.assert_error(429, "rate_limited");
    login(&site, "[2001:db8:2:1::1]", "ada", "wrong").await.assert_error(401, "invalid_credentials");
}

#[tokio::test]
async fn right_passwords_are_not_checked_without_end() {
    let limiter = MemoryLimiter::unlimited().with_limit(RateClass::Auth, 2).with_limit(RateClass::Other, 5);
    let site = limited(limiter.with_limit(RateClass::ForgivenLogin, 1));
    site.user("ada").await;
    for _ in 0..5 {
        assert_eq!(login(&site, "192.0.2.1", "ada", PASSWORD).await.status, 200);
    }
    login(&site, "192.0.2.1", "ada", PASSWORD).await.assert_error(429, "rate_limited");
}

/// Whoever fails for a name must not learn by the limits on an address whether both are one account's.
#[tokio::test]
async fn a_username_and_an_address_of_one_account_cannot_be_told_from_those_of_two() {
    let outcomes = async |address: &str| {
        let site = guarded(2);
        site.user("ada").await;
        site.user("bob").await;
        let mut statuses = Vec::new();
        for host in 1..=6 {
            statuses.push(login(&site, &format!("192.0.2.{host}"), "ada", "wrong").await.status);
        }
        for host in 1..=6 {
            for _ in 0..2 {
                statuses.push(login(&site, &format!("198.51.100.{host}"), address, "wrong").await.status);
            }
        }
        statuses
    };
    let own = outcomes("ada@example.com").await;
    for of_others in ["bob@example.com", "nobody@example.com"] {
        assert_eq!(own, outcomes(of_others).await, "{of_others}");
    }
}

/// Passwords whose check tells that it has begun and ends when somebody permits it.
#[derive(Clone, Debug)]
struct SlowPasswords {
    begun: Arc<Semaphore>,
    permitted: Arc<Semaphore>,
}

#[async_trait]
impl PasswordHasher for SlowPasswords {
    async fn hash(&self, password: String) -> Result<String> {
        InsecurePasswords.hash(password).await
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.begun.add_permits(1);
        self.permitted.acquire().await.expect("never closed").forget();
        InsecurePasswords.verify(password, hash).await
    }
}

async fn logged(site: &Site, event: AuditEvent) -> u64 {
    let page = PageRequest { page: 1, limit: 1 };
    let filter = AuditFilter { package: None, event: Some(event), actor: None, from: None, to: None, page };
    site.world.database.entries(&filter).await.expect("read").total
}

#[tokio::test]
async fn a_guess_goes_on_and_counts_where_its_client_has_gone() {
    let passwords = SlowPasswords { begun: Arc::new(Semaphore::new(0)), permitted: Arc::new(Semaphore::new(0)) };
    let limiter = MemoryLimiter::unlimited().with_limit(RateClass::Auth, 1).with_limit(RateClass::ForgivenLogin, 1);
    let slow = passwords.clone();
    let site = Site::of(World::with(|builder, _, _| builder.rate_limiter(limiter).passwords(slow)));
    site.world.registry.register(registration("ada")).await.expect("registered");
    for (password, event) in [(PASSWORD, AuditEvent::UserLogin), ("wrong", AuditEvent::UserLoginFailed)] {
        let mut answer = Box::pin(site.respond(login_from("192.0.2.1", "ada", password)));
        tokio::select! {
            answer = &mut answer => panic!("answered before the password was checked: {answer:?}"),
            begun = passwords.begun.acquire() => begun.expect("never closed").forget(),
        }
        drop(answer);
        passwords.permitted.add_permits(1);
        while logged(&site, event).await == 0 {
            tokio::task::yield_now().await;
        }
        // What follows the entry needs no more than its turn.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    // The right one was given back, else the wrong one would not have been looked at; this one counts.
    passwords.permitted.add_permits(1);
    login(&site, "192.0.2.1", "ada", PASSWORD).await.assert_error(429, "rate_limited");
    assert_eq!((logged(&site, AuditEvent::UserLogin).await, logged(&site, AuditEvent::UserLoginFailed).await), (1, 1));
}

#[tokio::test]
async fn who_knows_the_password_of_a_disabled_account_is_told_why() {
    let site = guarded(1);
    site.user("ada").await;
    site.world.registry.set_disabled(&"ada".parse().expect("a username"), true).await.expect("disabled");
    for _ in 0..3 {
        let refused = login(&site, "192.0.2.1", "ada", PASSWORD).await;
        refused.assert_error(403, "forbidden");
        assert!(refused.text().contains("This account is disabled; ask the administrator"), "{refused:?}");
    }
    let wrong = login(&site, "192.0.2.1", "ada", "wrong").await;
    wrong.assert_error(401, "invalid_credentials");
    assert!(!wrong.text().contains("disabled"), "{wrong:?}");
}
