//! Trusted publishers and the tokens that ID tokens are swapped for.

use std::fmt::Write as _;

use aam_registry_core::types::Issuer;
use http::Method;
use serde_json::{Value, json};

use super::{reply::Reply, site::Site};
use crate::registry::world::{AUDIENCE, archive};

const KIT: &str = "/api/v1/packages/greet-kit/trusted-publishers";
/// An instant shortly before that of the test's clock.
const ISSUED: i64 = 1_769_900_300;

fn request() -> Value {
    let claims = json!({
        "repository": "acme/kit", "job_workflow_ref": "acme/kit/.github/workflows/publish.yml", "environment": "release",
    });
    json!({"issuer": Issuer::GITHUB, "claims": claims})
}

/// A token of GitHub Actions with other claims, in the form of the verifier in memory.
fn id_token(jti: &str, change: &Value) -> String {
    let mut claims = json!({
        "iss": Issuer::GITHUB, "aud": AUDIENCE, "sub": "repo:acme/kit:environment:release", "jti": jti,
        "iat": ISSUED, "nbf": ISSUED, "exp": ISSUED + 600, "repository": "acme/kit", "repository_id": "1",
        "repository_owner_id": "7", "environment": "release", "ref": "refs/heads/main",
        "job_workflow_ref": "acme/kit/.github/workflows/publish.yml@refs/heads/main",
    });
    for (name, value) in change.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims.to_string()
}

async fn swap(site: &Site, token: &str, package: Option<&str>) -> Reply {
    site.send_json(Method::POST, "/api/v1/oidc/token", "", &json!({"token": token, "package": package})).await
}

#[tokio::test]
async fn a_workflow_publishes_without_a_stored_secret() {
    let (site, ada) = Site::published().await;
    let added = site.send_json(Method::POST, KIT, &ada, &request()).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let swapped = swap(&site, &id_token("1", &json!({})), None).await;
    assert_eq!(swapped.status, 200, "{}", swapped.text());
    let swapped = swapped.json();
    assert_eq!((&swapped["expires_in"], &swapped["package"]), (&json!(900), &json!("greet-kit")));
    let token = swapped["access_token"].as_str().expect("a token");
    let published = site.publish(token, "greet-kit", "1.1.0").await;
    assert_eq!(published.status, 201, "{}", published.text());
    let version = site.get("/api/v1/packages/greet-kit/1.1.0").await.json();
    let name = format!("trusted-publisher:{}:repo:acme/kit:environment:release", Issuer::GITHUB);
    assert_eq!(version["published_by"], json!(name));
    let log = site.act(Method::GET, "/api/v1/packages/greet-kit/audit-log", &ada).await.json();
    assert_eq!(log["entries"][0]["actor"], json!(name));
    assert_eq!(log["entries"][0]["metadata"]["publisher"], added.json()["id"]);

    let other = site.publish(token, "other-kit", "1.0.0").await;
    assert_eq!((other.status.as_u16(), other.json()["error"].clone()), (403, json!("forbidden")));
    for (method, path) in [
        (Method::GET, "/api/v1/users/me"),
        (Method::POST, "/api/v1/users/logout"),
        (Method::GET, "/api/v1/users/tokens"),
        (Method::GET, KIT),
        (Method::DELETE, "/api/v1/packages/greet-kit/1.1.0"),
    ] {
        let refused = site.act(method, path, token).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text());
    }
    let id = added.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(site.act(Method::DELETE, &format!("{KIT}/{id}"), &ada).await.status, 204);
    assert_eq!(site.publish(token, "greet-kit", "1.2.0").await.status, 401, "it ends with its entry");
}

#[tokio::test]
async fn a_waiting_publisher_makes_the_package() {
    let site = Site::new();
    let ada = site.user("ada").await;
    let path = "/api/v1/packages/new-kit/trusted-publishers";
    let added = site.send_json(Method::POST, path, &ada, &request()).await.json();
    assert_eq!(added["pending"], json!(true));
    let token = swap(&site, &id_token("1", &json!({})), Some("new-kit")).await.json();
    let token = token["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(site.publish_form(&token, &[("archive", &archive("new-kit", "1.0.0"))]).await.status, 201);
    let owners = site.get("/api/v1/packages/new-kit/owners").await.json();
    assert_eq!(owners["owners"], json!(["ada"]));
    assert_eq!(site.act(Method::GET, path, &ada).await.json()["publishers"][0]["pending"], json!(false));
}

#[tokio::test]
async fn publishers_alone_may_publish_where_an_owner_says_so() {
    let (site, ada) = Site::published().await;
    let only = |only: bool| json!({"trusted_publishing_only": only});
    assert_eq!(site.send_json(Method::PATCH, KIT, &ada, &only(true)).await.status, 400);
    site.send_json(Method::POST, KIT, &ada, &request()).await;
    let closed = site.send_json(Method::PATCH, KIT, &ada, &only(true)).await;
    assert_eq!((closed.status.as_u16(), &closed.json()["trusted_publishing_only"]), (200, &json!(true)));
    let refused = site.publish(&ada, "greet-kit", "1.1.0").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("Only the trusted publishers of"), "{}", refused.text());
    assert_eq!(site.send_json(Method::PATCH, KIT, &ada, &only(false)).await.status, 200);
    assert_eq!(site.publish(&ada, "greet-kit", "1.1.0").await.status, 201);
}

#[tokio::test]
async fn a_publisher_that_would_trust_too_much_is_refused() {
    let (site, ada) = Site::published().await;
    let workflow = "acme/kit/.github/workflows/publish.yml";
    for (body, fault) in [
        (json!({"issuer": "https://evil.example", "claims": {"sub": "x"}}), "is none that this registry trusts"),
        (json!({"issuer": Issuer::GITHUB, "claims": {"repository": "acme/kit"}}), "lacks `job_workflow_ref`"),
        (json!({"issuer": Issuer::GITHUB, "preset": "claims", "claims": {"sub": "x"}}), "must be `github`"),
        (
            json!({"issuer": Issuer::GITHUB, "claims": {"repository": "acme", "job_workflow_ref": workflow}}),
            "must be a repository",
        ),
        (
            json!({"issuer": Issuer::GITHUB, "claims": {"repository": "acme/kit", "job_workflow_ref": "publish.yml"}}),
            "must be a workflow",
        ),
        (json!({"issuer": "https://ci.example.com", "claims": {"aud": "x"}}), "is checked for every ID token"),
        (json!({"issuer": Issuer::GITLAB, "claims": {"project_path": "kit"}}), "must be a project"),
        (json!({"issuer": "https://ci.example.com", "preset": "other", "claims": {"sub": "x"}}), "is none of github"),
        (json!({"issuer": "https://ci.example.com", "claims": {}}), "is empty"),
        (json!({"issuer": "https://ci.example.com", "claims": {"sub": ""}}), "is not 1 to 512 characters"),
    ] {
        let reply = site.send_json(Method::POST, KIT, &ada, &body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text());
        let details = reply.json()["details"].to_string();
        assert!(details.contains(fault), "{body}: {details}");
    }
}

/// The claims of ID tokens that are refused, each wrong in one way.
#[tokio::test]
async fn what_is_wrong_with_a_token_is_told() {
    let (site, ada) = Site::published().await;
    assert_eq!(site.send_json(Method::POST, KIT, &ada, &request()).await.status, 201);
    assert_eq!(swap(&site, &id_token("used", &json!({})), None).await.status, 200);
    let mut table = String::new();
    for (what, token) in [
        ("not a token", "abc".to_owned()),
        ("another issuer", id_token("2", &json!({"iss": "https://evil.example"}))),
        ("another audience", id_token("3", &json!({"aud": "sts.amazonaws.com"}))),
        ("several audiences", id_token("4", &json!({"aud": [AUDIENCE, "sts.amazonaws.com"]}))),
        ("expired", id_token("5", &json!({"exp": ISSUED - 600}))),
        ("not valid yet", id_token("6", &json!({"nbf": ISSUED + 86_400}))),
        ("used", id_token("used", &json!({}))),
        ("another repository", id_token("7", &json!({"repository": "eve/kit"}))),
        ("another repository of the name", id_token("8", &json!({"repository_id": "2"}))),
        ("another owner of the name", id_token("9", &json!({"repository_owner_id": "8"}))),
        (
            "another workflow",
            id_token("10", &json!({"job_workflow_ref": "acme/kit/.github/workflows/test.yml@refs/heads/main"})),
        ),
        ("another environment", id_token("11", &json!({"environment": "staging"}))),
        ("no environment", id_token("12", &json!({"environment": null}))),
    ] {
        let reply = swap(&site, &token, None).await;
        let body = reply.json();
        let message = body["message"].as_str().unwrap_or_default();
        let (status, code) = (reply.status.as_u16(), body["error"].as_str().unwrap_or_default());
        writeln!(table, "{what:<31} | {status} | {code:<13} | {message}").expect("a string");
    }
    insta::assert_snapshot!(table);
}
