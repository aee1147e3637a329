//! What works and what does not while the registry is read-only.

use std::time::Duration;

use aam_registry_core::{
    ErrorCode,
    registry::{Policy, PublishOptions},
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    reading::operations,
    reply::Reply,
    site::{Site, request},
};
use crate::registry::world::{PASSWORD, World, archive, name, version};

/// The operations that are no reads and work nevertheless, and why.
const WORKING: &[(&str, &str)] = &[
    ("setReadOnly", "it ends the mode"),
    ("resolveTree", "it changes nothing"),
    ("login", "whoever reads may have to log in"),
    ("logout", "it takes a credential away"),
    ("endSession", "it takes a credential away"),
    ("endOtherSessions", "it takes a credential away"),
    ("revokeToken", "it takes a credential away"),
    ("reportTokens", "it takes credentials away"),
];

/// A site with an administrator `ada`, who has published `greet-kit` 1.0.0, and her bearer token.
async fn site() -> (Site, String) {
    let site = Site::new();
    let by = site.world.admin("ada").await;
    site.world.published(&by, "greet-kit", "1.0.0").await;
    let token = site.login("ada").await;
    (site, token)
}

async fn switch(site: &Site, token: &str, body: Value) -> Reply {
    site.send_json(Method::PUT, "/api/v1/read-only", token, &body).await
}

fn is_refused(reply: &Reply) -> bool {
    reply.status == StatusCode::SERVICE_UNAVAILABLE && reply.json()["error"] == "read_only"
}

#[tokio::test]
async fn every_route_that_changes_something_is_refused() {
    let (site, token) = site().await;
    assert_eq!(switch(&site, &token, json!({"read_only": true, "reason": "moving"})).await.status, 200);
    let mut working = Vec::new();
    for (id, method, path) in operations() {
        // Some of the requests end the session that they are made with.
        let bearer = format!("Bearer {}", site.login("ada").await);
        let headers = [("authorization", &*bearer), ("content-type", "application/json")];
        // No route takes this body: the refusal comes before it is read.
        let reply = site.send(request(method.clone(), &path, &headers, "{")).await;
        match (method == Method::GET, is_refused(&reply)) {
            (true, refused) => assert!(!refused, "{id} is a read"),
            (false, false) => working.push(id),
            (false, true) => {
                let told = "This registry is read-only for now (moving): reading, downloading and logging in work, \
                     changes do not; try again later";
                assert_eq!((&reply.json()["message"], reply.header("retry-after")), (&json!(told), "120"), "{id}");
            }
        }
    }
    working.sort();
    let mut wanted: Vec<_> = WORKING.iter().map(|(id, _)| *id).collect();
    wanted.sort_unstable();
    assert_eq!(working, wanted);
}

#[tokio::test]
async fn reads_downloads_and_logins_work_and_changes_work_afterwards() {
    let (site, token) = site().await;
    switch(&site, &token, json!({"read_only": true})).await;
    let limits = site.get("/api/v1/limits").await.json();
    assert_eq!(limits["read_only"]["read_only"], true);
    let ready = site.get("/ready").await;
    assert_eq!((ready.status, &ready.json()["read_only"]), (StatusCode::OK, &json!(true)));
    for path in ["/api/v1/packages", "/api/v1/packages/greet-kit", "/api/v1/packages/greet-kit/1.0.0/download"] {
        assert_eq!(site.get(path).await.status, 200, "{path}");
    }
    let login = json!({"username": "ada", "password": PASSWORD});
    let session = site.send_json(Method::POST, "/api/v1/users/login", "", &login).await;
    assert_eq!(session.status, 200);
    let session = session.json()["access_token"].as_str().expect("a token").to_owned();
    assert!(is_refused(&site.publish(&session, "greet-kit", "1.1.0").await));
    assert_eq!(site.act(Method::POST, "/api/v1/users/logout", &session).await.status, 204);

    assert_eq!(switch(&site, &token, json!({"read_only": false})).await.json()["read_only"], false);
    assert_eq!(site.get("/ready").await.json().get("read_only"), None);
    assert_eq!(site.publish(&token, "greet-kit", "1.1.0").await.status, 201);
}

/// Another replica has switched it: this one follows once what it knows is half a second old.
#[tokio::test]
async fn a_switch_by_another_replica_is_followed_within_a_second() {
    let (site, token) = site().await;
    let other = World::with(|builder, _, _| builder.database(site.world.database.clone()));
    assert_eq!(site.publish(&token, "greet-kit", "1.1.0").await.status, 201);
    other.registry.set_read_only_as_operator(true, Some("a backup")).await.expect("switched");
    site.world.clock.advance(Duration::from_millis(500));
    let reply = site.publish(&token, "greet-kit", "1.2.0").await;
    assert!(is_refused(&reply) && reply.text().contains("a backup"), "{}", reply.text());
}

/// The endpoints are not all that changes something: use cases are refused too, wherever they are called from.
#[tokio::test]
async fn an_upload_in_progress_is_not_committed() {
    let world = World::new();
    let by = world.user("ada").await;
    let registry = &world.registry;
    let mut upload = registry.begin_publish(&by, None).await.expect("begun");
    upload.write(archive("greet-kit", "1.0.0").into()).await.expect("written");
    registry.set_read_only_as_operator(true, None).await.expect("switched");
    let refused = upload.finish(PublishOptions::default()).await.expect_err("read-only");
    assert_eq!(refused.code(), ErrorCode::ReadOnly);
    assert!(world.view().version(&name("greet-kit"), &version("1.0.0")).await.is_err());
}

#[tokio::test]
async fn a_registry_that_is_configured_read_only_stays_so() {
    let world = World::new();
    let by = world.user("ada").await;
    let policy = Policy::default().with_read_only(true);
    let closed = World::with(|builder, _, _| builder.database(world.database.clone()).policy(policy));
    assert_eq!(closed.registry.set_read_only_as_operator(false, None).await.expect("the switch works"), None);
    let refused = closed.publish(&by, archive("greet-kit", "1.0.0")).await;
    assert_eq!(refused.expect_err("read-only").code(), ErrorCode::ReadOnly);
    assert!(closed.registry.read_only().await.expect("known").is_some());
}

/// A count that waits is stored once the mode is over, or when the process ends.
#[tokio::test]
async fn downloads_are_counted_and_stored_later() {
    let (site, token) = site().await;
    switch(&site, &token, json!({"read_only": true})).await;
    site.get("/api/v1/packages/greet-kit/1.0.0/download").await;
    let counted = async || {
        site.get("/api/v1/packages/greet-kit/downloads?from=2026-01-01&to=2026-02-28").await.json()["total"].clone()
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let registry = site.world.registry.clone();
    let background = tokio::spawn(async move {
        registry
            .run_background(async {
                let _ = stopped.await;
            })
            .await;
    });
    // The jobs have had their first turn when the queue's are through.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(counted().await, 0);
    drop(stop);
    background.await.expect("ended");
    assert_eq!(counted().await, 1);
}
