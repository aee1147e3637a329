use aam_registry_tests::{Package, Server};
use serde_json::{Value, json};

use super::transcript::Transcript;

async fn with_versions() -> Server {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let depends = |on: Value| move |package: Package| package.with("dependencies", on.clone());
    for (name, version, dependencies) in [
        ("base", "1.0.0", json!({})),
        ("base", "1.2.0", json!({})),
        ("base", "2.0.0", json!({})),
        ("base", "3.0.0-rc.1", json!({})),
        ("middle", "1.0.0", json!({"base": "^1.0"})),
        ("middle", "1.1.0", json!({"base": "^2.0"})),
        ("other", "1.0.0", json!({"base": "1.0.0"})),
        ("early", "0.1.0-a.1", json!({})),
    ] {
        ada.publish(&depends(dependencies)(Package::new(name, version)).aam(), &[]).await.expect_status(201);
    }
    server
}

#[tokio::test]
async fn one_version_is_resolved() {
    let server = with_versions().await;
    let api = server.anonymous();
    let mut transcript = Transcript::default();
    transcript.get(&api, "/api/v1/packages/base/resolve").await;
    for (package, spec) in [
        ("base", "latest"),
        ("base", "^1.0"),
        ("base", "1.0.0"),
        ("base", "~1.2"),
        ("base", "%3E%3D1.0,%3C2.0"),
        ("base", "*"),
        ("base", "3.0.0-rc.1"),
        ("base", "^4"),
        ("base", "nosuchtag"),
        ("base", "not%20a%20spec"),
        ("early", "latest"),
        ("early", "*"),
        ("nothing", "*"),
    ] {
        let path = format!("/api/v1/packages/{package}/resolve?spec={spec}");
        let answer = api.get(&path).await;
        if answer.status == 200 {
            transcript.summary(&format!("GET {path}"), &answer.json()["version"]);
        } else {
            transcript.note(&format!("GET {path}"), &answer);
        }
    }
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn a_tree_is_resolved_at_once() {
    let server = with_versions().await;
    let api = server.anonymous();
    let mut transcript = Transcript::default();
    let path = "/api/v1/resolve";
    transcript.post(&api, path, &json!({"dependencies": {"middle": "*"}})).await;
    // `middle` and `other` agree on `base` only if an older `middle` is chosen.
    transcript.post(&api, path, &json!({"dependencies": {"middle": "*", "other": "*"}})).await;
    transcript.post(&api, path, &json!({"dependencies": {"middle": "^1.1", "other": "*"}})).await;
    transcript.post(&api, path, &json!({"dependencies": {}})).await;
    transcript.post(&api, path, &json!({"dependencies": {"nothing": "*"}})).await;
    transcript.post(&api, path, &json!({"dependencies": {"Bad Name": "*", "base": "1 2"}})).await;
    transcript.post(&api, path, &json!({"dependencies": []})).await;
    insta::assert_json_snapshot!(transcript.into_value());
}
