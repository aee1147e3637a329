//! Disabled accounts and ended credentials, on every replica.

use std::time::Duration;

use aam_registry_tests::{Answer, Api, Package, eventually, report};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::Replicas;

const ME: &str = "/api/v1/users/me";
const PASSWORD: &str = "correct horse battery staple";

/// The same credential at every server.
type Held = [Api; 3];

/// Waits until every server answers a credential with `status`, and reports how long each took.
async fn become_of(held: &Held, what: &str, status: u16) {
    let waits = held.iter().map(|api| {
        eventually(format!("{what} to be seen"), async || (api.get(ME).await.status == status).then_some(()))
    });
    let took: Vec<Duration> = join_all(waits).await.into_iter().map(|((), took)| took).collect();
    report(format_args!("{what}: seen by the servers after {took:?}"));
}

/// Makes every server cache a credential as valid.
async fn believed(held: &Held) {
    for api in held {
        api.get(ME).await.expect_status(200);
    }
}

async fn token(of: &Held) -> (Held, String) {
    let made = of[0].post("/api/v1/users/tokens", &json!({"name": "ci", "scopes": ["publish"]})).await;
    let made = made.expect_status(201).json();
    let secret = made["token"].as_str().expect("a token");
    (of.each_ref().map(|api| api.with_token(secret)), made["id"].as_str().expect("an id").to_owned())
}

async fn login(api: &Api, password: &str) -> Answer {
    api.post("/api/v1/users/login", &json!({"username": "ada", "password": password})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_disabled_is_shut_out_everywhere() {
    let replicas = Replicas::start().await;
    let ada = replicas.user("ada").await;
    let (with_token, _) = token(&ada).await;
    ada[0].publish(&Package::new("kit", "1.0.0").aam(), &[]).await.expect_status(201);
    believed(&ada).await;
    believed(&with_token).await;

    replicas.servers[0].run(&["user", "disable", "ada"]).await.expect_code(0);
    // A change never relies on a cached credential.
    for held in [&ada, &with_token] {
        held[2].publish(&Package::new("kit", "1.1.0").aam(), &[]).await.expect_status(401);
    }
    become_of(&ada, "session of somebody disabled", 401).await;
    become_of(&with_token, "API token of somebody disabled", 401).await;
    let anonymous = replicas.anonymous();
    for api in &anonymous {
        // Whoever knows the password is told why it does not let them in.
        login(api, PASSWORD).await.expect_status(403);
        api.get("/api/v1/packages/kit/1.0.0/download").await.expect_status(200);
    }

    replicas.servers[1].run(&["user", "enable", "ada"]).await.expect_code(0);
    become_of(&with_token, "API token of somebody enabled", 200).await;
    become_of(&ada, "session of before", 401).await;
    login(&anonymous[2], PASSWORD).await.expect_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_end_everywhere() {
    let replicas = Replicas::start().await;
    let ada = replicas.user("ada").await;
    let ((first, id), (second, _)) = (token(&ada).await, token(&ada).await);
    believed(&first).await;
    believed(&second).await;
    replicas.servers[0].run(&["token", "revoke", "--id", &id]).await.expect_code(0);
    become_of(&first, "token revoked by id", 401).await;
    believed(&second).await;
    replicas.servers[2].run(&["token", "revoke", "--all"]).await.expect_code(0);
    become_of(&second, "all tokens revoked", 401).await;

    // When a user changes the password, this session stays valid on every server, and the other one
    // ends.
    let session = login(&ada[1], PASSWORD).await.expect_status(200).json();
    let other = ada.each_ref().map(|api| api.with_token(session["access_token"].as_str().expect("a token")));
    believed(&ada).await;
    believed(&other).await;
    let new = "another horse battery staple";
    let change = json!({"current_password": PASSWORD, "password": new}).to_string();
    let request = ada[0].request(Method::PATCH, ME).header("content-type", "application/json").body(change);
    Answer::of(request).await.expect_status(200);
    become_of(&other, "session ended by a new password", 401).await;
    believed(&ada).await;
    for api in &replicas.anonymous() {
        login(api, PASSWORD).await.expect_status(401);
        login(api, new).await.expect_status(200);
    }

    let reset = ["user", "reset-password", "ada", "--password", "a third horse battery staple"];
    replicas.servers[1].run(&reset).await.expect_code(0);
    become_of(&ada, "session ended by the operator's password", 401).await;
}
