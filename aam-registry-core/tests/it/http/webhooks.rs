//! The webhooks of scopes over HTTP.

use aam_registry_core::types::AuditEvent;
use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{reply::Reply, site::Site};
use crate::registry::world::World;

const WEBHOOKS: &str = "/api/v1/scopes/ada/webhooks";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn request() -> Value {
    json!({"url": "https://hooks.example/aam", "events": ["tag.set", "package.publish"], "secret": SECRET})
}

/// A webhook of ada's; its path.
async fn made(site: &Site, token: &str) -> String {
    let made = site.send_json(Method::POST, WEBHOOKS, token, &request()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    format!("{WEBHOOKS}/{}", made.json()["id"].as_str().expect("an id"))
}

/// An answer with the ids of webhooks and deliveries replaced.
fn shown(reply: &Reply) -> String {
    let id = |text: &str| text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4;
    let snapshot = reply.snapshot();
    let shown = snapshot.split('"').map(|part| if id(part) { "[id]" } else { part });
    shown.collect::<Vec<_>>().join("\"")
}

#[tokio::test]
async fn webhooks_come_and_change_and_go() {
    let site = Site::new();
    let token = site.user("ada").await;
    let created = site.send_json(Method::POST, WEBHOOKS, &token, &request()).await;
    assert_snapshot!(shown(&created));
    let path = format!("{WEBHOOKS}/{}", created.json()["id"].as_str().expect("an id"));
    assert_snapshot!(shown(&site.act(Method::GET, WEBHOOKS, &token).await));
    let change = json!({"url": "http://10.0.0.1:8080/", "events": ["version.yank"], "enabled": false});
    assert_snapshot!(shown(&site.send_json(Method::PATCH, &path, &token, &change).await));
    let enabled = site.send_json(Method::PATCH, &path, &token, &json!({"enabled": true})).await.json();
    assert_eq!((&enabled["enabled"], &enabled["disabled_reason"]), (&json!(true), &Value::Null));
    assert_eq!(site.act(Method::DELETE, &path, &token).await.status, 204);
    site.act(Method::GET, &path, &token).await.assert_error(404, "not_found");
    site.act(Method::DELETE, &path, &token).await.assert_error(404, "not_found");
}

/// It is told when it is new, and nowhere else.
#[tokio::test]
async fn a_secret_is_told_once() {
    let site = Site::new();
    let token = site.user("ada").await;
    let body = json!({"url": "https://hooks.example/aam", "events": ["package.publish"]});
    let created = site.send_json(Method::POST, WEBHOOKS, &token, &body).await.json();
    let first = created["secret"].as_str().expect("a secret").to_owned();
    assert!(first.starts_with("whsec_"), "{first}");
    let path = format!("{WEBHOOKS}/{}", created["id"].as_str().expect("an id"));
    assert_eq!(site.act(Method::GET, &path, &token).await.json()["secret"], Value::Null);
    let rotated = site.send_json(Method::PATCH, &path, &token, &json!({"rotate_secret": true})).await.json();
    let second = rotated["secret"].as_str().expect("a secret").to_owned();
    assert_ne!(first, second);
    let given = site.send_json(Method::PATCH, &path, &token, &json!({"secret": SECRET})).await.json();
    assert_eq!(given["secret"], Value::Null, "whoever gave it knows it");
    let both = json!({"secret": SECRET, "rotate_secret": true});
    site.send_json(Method::PATCH, &path, &token, &both).await.assert_error(400, "invalid_request");
    for secret in [first, second, SECRET.to_owned()] {
        for path in [WEBHOOKS, path.as_str()] {
            assert!(!site.act(Method::GET, path, &token).await.text().contains(&secret));
        }
    }
}

#[tokio::test]
async fn every_fault_of_a_webhook_is_told() {
    let site = Site::new();
    let token = site.user("ada").await;
    let faulty = json!({"url": "ftp://hooks.example", "events": ["user.register", "eaten"], "secret": "hunter2"});
    assert_snapshot!(site.send_json(Method::POST, WEBHOOKS, &token, &faulty).await.snapshot());
    for bad in [
        json!({"url": "https://h.example", "events": []}),
        json!({"url": "https://u:p@h.example", "events": ["tag.set"]}),
    ] {
        site.send_json(Method::POST, WEBHOOKS, &token, &bad).await.assert_error(400, "invalid_request");
    }
    let path = made(&site, &token).await;
    for bad in [json!({}), json!({"events": []}), json!({"url": "x"}), json!({"secret": "x"})] {
        site.send_json(Method::PATCH, &path, &token, &bad).await.assert_error(400, "invalid_request");
    }
    for _ in 1..10 {
        made(&site, &token).await;
    }
    site.send_json(Method::POST, WEBHOOKS, &token, &request()).await.assert_error(403, "quota_exceeded");
    site.act(Method::GET, &format!("{WEBHOOKS}/no-id"), &token).await.assert_error(404, "not_found");
    let nowhere = "/api/v1/scopes/nobody/webhooks";
    site.act(Method::GET, nowhere, &token).await.assert_error(404, "scope_not_found");
    site.send_json(Method::POST, nowhere, &token, &request()).await.assert_error(404, "scope_not_found");
}

#[tokio::test]
async fn deliveries_are_listed_and_sent_again() {
    let site = Site::new();
    let token = site.user("ada").await;
    let path = made(&site, &token).await;
    let ping = site.act(Method::POST, &format!("{path}/ping"), &token).await;
    assert_snapshot!(shown(&ping));
    let id = ping.json()["id"].as_str().expect("an id").to_owned();
    let listed = site.act(Method::GET, &format!("{path}/deliveries?limit=1"), &token).await;
    assert_snapshot!(shown(&listed));
    site.act(Method::GET, &format!("{path}/deliveries?limit=201"), &token).await.assert_error(400, "invalid_request");
    let again = format!("{WEBHOOKS}/deliveries/{id}/redeliver");
    assert_eq!(site.act(Method::POST, &again, &token).await.json()["id"], json!(id));
    site.act(Method::POST, &format!("{WEBHOOKS}/deliveries/x/redeliver"), &token).await.assert_error(404, "not_found");
    // Another's delivery, by the owner of another scope.
    let eve = site.user("eve").await;
    let elsewhere = format!("/api/v1/scopes/eve/webhooks/deliveries/{id}/redeliver");
    site.act(Method::POST, &elsewhere, &eve).await.assert_error(404, "not_found");
    assert_eq!(site.send_json(Method::PATCH, &path, &token, &json!({"enabled": false})).await.status, 200);
    site.act(Method::POST, &again, &token).await.assert_error(400, "invalid_request");
}

/// The address may hold a secret of the receiver: only owners see it, and the audit log shows no more than its host.
#[tokio::test]
async fn only_owners_see_an_address() {
    let site = Site::new();
    let token = site.user("ada").await;
    let path = made(&site, &token).await;
    let eve = site.user("eve").await;
    for path in [WEBHOOKS, path.as_str()] {
        site.get(path).await.assert_error(401, "unauthorized");
        site.act(Method::GET, path, &eve).await.assert_error(403, "forbidden");
    }
    site.world.admin("root-of-all").await;
    let admin = site.login("root-of-all").await;
    assert_eq!(site.act(Method::GET, &path, &admin).await.status, 200);
    let log = format!("/api/v1/audit-log?event={}", AuditEvent::WebhookCreate.as_str());
    let entries = site.act(Method::GET, &log, &admin).await;
    let metadata = &entries.json()["entries"][0]["metadata"];
    assert_eq!((&metadata["url"], &metadata["scope"]), (&json!("hooks.example"), &json!("ada")));
    assert!(!entries.text().contains("/aam") && !entries.text().contains("whsec_"), "{}", entries.text());
}

/// A host that sends no webhooks says so, instead of keeping what nobody would send.
#[tokio::test]
async fn a_registry_that_sends_none_makes_none() {
    let registry = aam_registry_core::memory::registry().build().expect("complete");
    let mut world = World::new();
    world.registry = registry;
    let site = Site::of(world);
    let token = site.user("ada").await;
    site.send_json(Method::POST, WEBHOOKS, &token, &request()).await.assert_error(403, "forbidden");
    assert_eq!(site.get("/api/v1/limits").await.json()["features"]["webhooks"], json!(false));
}
