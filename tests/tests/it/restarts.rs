//! What survives a restart of the server.

use aam_registry_tests::{Package, Server, fixture};
use serde_json::json;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_an_orderly_restart() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    ada.publish(&fixture("greet-kit-1.0.0.aam"), &[]).await.expect_status(201);
    ada.publish(&Package::new("greet-kit", "2.0.0").aam(), &[("tag", "next")]).await.expect_status(201);
    ada.delete("/api/v1/packages/greet-kit/2.0.0?reason=broken").await.expect_status(200);
    let token = ada.post("/api/v1/users/tokens", &json!({"name": "ci", "scopes": ["publish"]})).await;
    let token = token.expect_status(201).json()["token"].as_str().expect("a token").to_owned();
    ada.get("/api/v1/packages/greet-kit/1.0.0/download").await.expect_status(200);
    let reads = ["greet-kit/versions", "greet-kit/2.0.0", "greet-kit/tags", "greet-kit/1.0.0/files"];
    let mut before = Vec::new();
    for path in reads {
        before.push(server.anonymous().get(&format!("/api/v1/packages/{path}")).await.json());
    }

    let (stopped, status) = server.terminate().await;
    assert!(status.success(), "SIGTERM ends it with {status}");
    let server = stopped.start().await;

    let anonymous = server.anonymous();
    for (path, before) in reads.into_iter().zip(before) {
        assert_eq!(anonymous.get(&format!("/api/v1/packages/{path}")).await.json(), before, "{path}");
    }
    // The download that was counted just before the stop was stored during the stop.
    let counted = anonymous.get("/api/v1/packages/greet-kit/downloads").await.expect_status(200).json();
    assert_eq!(counted["total"], 1);
    let archive = anonymous.get("/api/v1/packages/greet-kit/1.0.0/download").await.expect_status(200);
    assert_eq!(archive.body, fixture("greet-kit-1.0.0.aam"));
    // Sessions and tokens stay valid.
    ada.at(server.base()).get("/api/v1/users/me").await.expect_status(200);
    let ci = anonymous.with_token(&token);
    ci.publish(&Package::new("greet-kit", "3.0.0").aam(), &[]).await.expect_status(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_stays_revoked() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    ada.post("/api/v1/users/logout", &json!({})).await.expect_status(204);
    let server = server.kill().start().await;
    ada.at(server.base()).get("/api/v1/users/me").await.expect_status(401);
}
