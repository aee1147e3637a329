//! CI publishes without a stored secret: the real client shows the real server ID tokens of an issuer of the test.

use std::path::Path;

use aam_registry_tests::{Issuer, IssuerKey, Machine, Package, Server};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

/// A server that takes ID tokens of the issuer.
async fn trusting(issuer: &Issuer) -> Server {
    Server::start_with(&[("TRUSTED_PUBLISHING_ISSUERS", issuer.address())]).await
}

/// Whom ID tokens have to be for.
async fn audience(server: &Server) -> String {
    let limits = server.anonymous().get("/api/v1/limits").await.expect_status(200).json();
    limits["trusted_publishing"]["audience"].as_str().expect("an audience").to_owned()
}

/// What the ID tokens of the workflow say.
fn of_workflow(repository_id: &str) -> Value {
    json!({
        "sub": "repo:acme/greet-kit:environment:release", "repository": "acme/greet-kit",
        "repository_id": repository_id, "repository_owner_id": "7", "environment": "release",
        "job_workflow_ref": "acme/greet-kit/.github/workflows/publish.yml@refs/heads/main",
    })
}

fn write(folder: &Path, version: &str) -> String {
    let file = folder.join(format!("greet-kit-{version}.aam"));
    std::fs::write(&file, Package::new("greet-kit", version).aam()).expect("written");
    file.to_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_makes_a_package_and_goes_on_publishing_it() {
    let (issuer, key) = (Issuer::start().await, IssuerKey::new("ci", Algorithm::ES256));
    issuer.publish(&[&key]);
    let server = trusting(&issuer).await;
    let ada = Machine::with_scopes(&server, "ada", &["publish", "admin"]).await;
    let folder = ada.folder("work");
    let add = ["trusted-publisher", "add", "greet-kit", "--github", "acme/greet-kit", "--workflow", "publish.yml"];
    let to = ["--environment", "release", "--issuer", issuer.address()];
    let added = ada.aam(&folder, &[&add[..], &to].concat()).await;
    assert_eq!((&added["pending"], &added["preset"]), (&json!(true), &json!("github")), "{added}");

    // The first publish makes the package, which belongs to whoever added the publisher.
    let (job, anonymous) = (Machine::without_login(&server), server.anonymous());
    let audience = audience(&server).await;
    let publish = async |version: &str, repository_id: &str| {
        let file = write(&job.folder("checkout"), version);
        let mut variables = issuer.job(&key, of_workflow(repository_id)).to_vec();
        // The server has no public address here.
        variables.push(("AAM_ID_TOKEN_AUDIENCE", audience.clone()));
        job.run(&job.folder("checkout"), &["pkg", "publish", &file, "--yes"], &variables).await
    };
    publish("1.0.0", "1").await.expect_code(0);
    let version = anonymous.get("/api/v1/packages/greet-kit/1.0.0").await.expect_status(200).json();
    let name = format!("trusted-publisher:{}:repo:acme/greet-kit:environment:release", issuer.address());
    assert_eq!(version["published_by"], json!(name));
    let owners = anonymous.get("/api/v1/packages/greet-kit/owners").await.expect_status(200).json();
    assert_eq!(owners["owners"], json!(["ada"]));
    let listed = ada.aam(&folder, &["trusted-publisher", "ls", "greet-kit"]).await;
    assert_eq!(listed["publishers"][0]["pending"], json!(false), "{listed}");
    assert_eq!(listed["publishers"][0]["pinned"], json!({"repository_id": "1", "repository_owner_id": "7"}));

    publish("1.1.0", "1").await.expect_code(0);
    let log = ada.aam(&folder, &["audit-log", "greet-kit"]).await;
    let told: Vec<_> = log["entries"].as_array().expect("entries").iter().map(|entry| &entry["event"]).collect();
    assert_eq!(told, ["package.publish", "package.publish", "publisher.add"], "{log}");
    assert_eq!((&log["entries"][0]["actor"], &log["entries"][2]["actor"]), (&json!(name), &json!("ada")), "{log}");

    // A repository that was made anew under the name is another one.
    let other = publish("1.2.0", "2").await.expect_code(3);
    assert!(other.json()["message"].as_str().is_some_and(|told| told.contains("repository_id")), "{}", other.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn stolen_tokens_are_refused() {
    let (issuer, key) = (Issuer::start().await, IssuerKey::new("ci", Algorithm::EdDSA));
    issuer.publish(&[&key]);
    let server = trusting(&issuer).await;
    let ada = Machine::with_scopes(&server, "ada", &["publish", "admin"]).await;
    let folder = ada.folder("work");
    ada.aam(&folder, &["pkg", "publish", &write(&folder, "1.0.0"), "--yes"]).await;
    let add = ["trusted-publisher", "add", "greet-kit", "--github", "acme/greet-kit", "--workflow", "publish.yml"];
    let added = ada.aam(&folder, &[&add[..], &["--issuer", issuer.address()]].concat()).await;
    ada.aam(&folder, &["trusted-publisher", "only", "greet-kit", "on"]).await;

    let (anonymous, audience) = (server.anonymous(), audience(&server).await);
    let id_token = |audience: &str| {
        let mut claims = issuer.claims(audience);
        claims.as_object_mut().expect("an object").extend(of_workflow("1").as_object().expect("one").clone());
        key.sign(&claims)
    };
    let swap = async |token: &str| anonymous.post("/api/v1/oidc/token", &json!({"token": token})).await;
    let shown = id_token(&audience);
    let token = swap(&shown).await.expect_status(200).json();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("bearer"), &json!(900)));
    assert_eq!(swap(&shown).await.status, 401, "an ID token works once");
    assert_eq!(swap(&id_token("https://other.example")).await.status, 401, "it was shown to another registry");

    // Neither ada's token nor that of the job publishes what it must not.
    let stolen = ada.run(&folder, &["pkg", "publish", &write(&folder, "1.1.0")], &[]).await.expect_code(3);
    assert!(stolen.stdout.contains("Only the trusted publishers of"), "{}", stolen.stdout);
    let token = token["access_token"].as_str().expect("a token");
    let by_job = anonymous.with_token(token);
    by_job.publish(&Package::new("other-kit", "1.0.0").aam(), &[]).await.expect_status(403);
    by_job.get("/api/v1/users/me").await.expect_status(403);
    by_job.publish(&Package::new("greet-kit", "1.1.0").aam(), &[]).await.expect_status(201);
    let id = added["id"].as_str().expect("an id").to_owned();
    ada.aam(&folder, &["trusted-publisher", "rm", "greet-kit", &id]).await;
    by_job.publish(&Package::new("greet-kit", "1.2.0").aam(), &[]).await.expect_status(401);
    assert_eq!(swap(&id_token(&audience)).await.status, 403, "nobody trusts it any more");
}
