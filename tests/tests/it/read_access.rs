//! A server that answers only callers that it knows.

use aam_registry_tests::{Server, fixture};
use serde_json::json;

const READS: [&str; 6] = [
    "/api/v1/packages",
    "/api/v1/packages/greet-kit",
    "/api/v1/packages/greet-kit/1.0.0",
    "/api/v1/packages/greet-kit/1.0.0/download",
    "/api/v1/packages/greet-kit/1.0.0/files",
    "/api/v1/users/ada",
];

#[tokio::test]
async fn who_has_no_credential_reads_nothing_and_a_token_reads_until_it_is_revoked() {
    let server = Server::start_with(&[("READ_ACCESS", "authenticated")]).await;
    let (anonymous, ada) = (server.anonymous(), server.user("ada").await);
    ada.publish(&fixture("greet-kit-1.0.0.aam"), &[]).await.expect_status(201);
    let new = json!({"name": "ci", "scopes": ["read"]});
    let token = ada.post("/api/v1/users/tokens", &new).await.expect_status(201).json();
    let reader = anonymous.with_token(token["token"].as_str().expect("a token"));
    for path in READS {
        let read = reader.get(path).await.expect_status(200);
        assert!(read.header("cache-control").starts_with("private"), "{path}: {:?}", read.headers);
        let refused = anonymous.get(path).await.expect_status(401);
        assert_eq!(refused.header("cache-control"), "private, no-store", "{path}");
    }
    for open in ["/health", "/ready", "/metrics", "/api/docs", "/api/openapi.json", "/api/v1/limits"] {
        anonymous.get(open).await.expect_status(200);
    }
    let id = token["id"].as_str().expect("an id");
    ada.delete(&format!("/api/v1/users/tokens/{id}")).await.expect_status(204);
    for path in READS {
        reader.get(path).await.expect_status(401);
    }
}
