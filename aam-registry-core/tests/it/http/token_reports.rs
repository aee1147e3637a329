//! API tokens that leaked, and where tokens were used.

use std::time::Duration;

use aam_registry_core::{
    Error, Result,
    ports::{ScannerSignature, ScannerSignatures},
};
use async_trait::async_trait;
use http::Method;
use jiff::Timestamp;
use serde_json::json;

use super::{
    reply::Reply,
    site::{Site, from, request},
};
use crate::registry::world::World;

/// A scanner whose signature is the length of what it signs.
#[derive(Debug)]
struct Scanner;

#[async_trait]
impl ScannerSignatures for Scanner {
    async fn check(&self, body: &[u8], signature: ScannerSignature<'_>, _: Timestamp) -> Result<()> {
        match signature.key {
            "down" => Err(Error::ScannerKeysUnavailable),
            "known" if signature.signature == body.len().to_string() => Ok(()),
            _ => Err(Error::forbidden("The signature is wrong")),
        }
    }
}

async fn new_token(site: &Site, session: &str) -> String {
    let body = json!({"name": "ci", "scopes": ["read"]});
    let made = site.send_json(Method::POST, "/api/v1/users/tokens", session, &body).await;
    made.json()["token"].as_str().expect("a token").to_owned()
}

async fn report(site: &Site, body: &str, signed: Option<(&str, &str)>) -> Reply {
    let mut headers = vec![("content-type", "application/json")];
    if let Some((key, signature)) = signed {
        headers.extend([("Github-Public-Key-Identifier", key), ("Github-Public-Key-Signature", signature)]);
    }
    site.send(request(Method::POST, "/api/v1/token-reports", &headers, body.to_owned())).await
}

#[tokio::test]
async fn where_scanners_have_keys_only_their_reports_count() {
    let site = Site::of(World::with(|builder, _, _| builder.scanner_signatures(Scanner)));
    let session = site.user("ada").await;
    let token = new_token(&site, &session).await;
    let works = async || site.act(Method::GET, "/api/v1/users/me", &token).await.status == 200;
    let body = format!(" [{{\"token\": \"{token}\", \"type\": \"aam_token\"}}]\n");
    let length = body.len().to_string();
    let unsigned = report(&site, &body, None).await;
    unsigned.assert_error(403, "forbidden");
    assert!(unsigned.text().contains("aam token revoke"), "it says what to do instead: {unsigned:?}");
    report(&site, &body, Some(("unknown", &length))).await.assert_error(403, "forbidden");
    report(&site, &body, Some(("known", "1"))).await.assert_error(403, "forbidden");
    report(&site, &body, Some(("down", &length))).await.assert_error(503, "overloaded");
    report(&site, "[", Some(("known", "2"))).await.assert_error(403, "forbidden");
    report(&site, "[", Some(("known", "1"))).await.assert_error(400, "invalid_request");
    assert!(works().await);
    assert_eq!(report(&site, &body, Some(("known", &length))).await.status, 204);
    assert!(!works().await);
}

#[tokio::test]
async fn a_token_says_when_and_from_where_it_was_used() {
    let site = Site::new();
    let session = site.user("ada").await;
    let token = new_token(&site, &session).await;
    let listed = async || site.act(Method::GET, "/api/v1/users/tokens", &session).await.json()["tokens"][0].clone();
    assert_eq!((&listed().await["last_used_at"], &listed().await["last_used_from"]), (&json!(null), &json!(null)));
    let bearer = format!("Bearer {token}");
    let use_from = async |peer: &str, forwarded: &str| {
        let headers = [("authorization", &*bearer), ("x-forwarded-for", forwarded)];
        assert_eq!(from(&site, peer, Method::GET, "/api/v1/users/me", &headers).await.status, 200);
        site.world.registry.run_background(async {}).await;
        listed().await["last_used_from"].clone()
    };
    assert_eq!(use_from("203.0.113.7", "198.51.100.9").await, "203.0.113.7", "who is no proxy is not believed");
    site.world.clock.advance(Duration::from_secs(30));
    assert_eq!(use_from("203.0.113.8", "").await, "203.0.113.7", "uses within a minute are one");
    site.world.clock.advance(Duration::from_mins(1));
    assert_eq!(use_from("127.0.0.1", "198.51.100.9").await, "198.51.100.9", "a proxy names the client");
    site.world.admin("olga").await;
    site.user("bob").await;
    let of_ada = "/api/v1/users/ada/tokens";
    let seen = site.act(Method::GET, of_ada, &site.login("olga").await).await;
    assert_eq!(seen.json()["tokens"][0]["last_used_from"], "198.51.100.9", "{seen:?}");
    site.act(Method::GET, of_ada, &site.login("bob").await).await.assert_error(403, "forbidden");
    site.act(Method::GET, of_ada, "").await.assert_error(401, "unauthorized");
    let mine = site.act(Method::GET, "/api/v1/users/me", &token).await;
    assert!(!mine.text().contains("198.51.100.9"), "{mine:?}");
}
