//! Quotas, and tags that need an approver, as clients see them.

use aam_registry_core::{
    decide::PublishQuotas,
    registry::Policy,
    types::{AccountRole, TagPattern},
};
use http::Method;
use serde_json::{Value, json};

use super::site::Site;
use crate::registry::world::{World, archive};

fn pattern(text: &str) -> TagPattern {
    text.parse().expect("a pattern")
}

#[tokio::test]
async fn each_quota_refuses_with_what_is_used() {
    let quotas =
        PublishQuotas { packages_per_scope: Some(1), storage_per_scope: Some(100_000), versions_per_package: Some(2) };
    let policy = Policy::default().with_quotas(quotas).with_scopes_per_user(Some(1)).with_tokens_per_user(Some(1));
    let site = Site::of(World::with_policy(policy));
    let ada = site.user("ada").await;
    for version in ["1.0.0", "1.1.0"] {
        assert_eq!(site.publish(&ada, "@ada/kit", version).await.status, 201);
    }
    let told = |reply: super::reply::Reply, text: &str| {
        reply.assert_error(403, "quota_exceeded");
        assert!(reply.text().contains(text), "{}", reply.text());
    };
    told(site.publish(&ada, "@ada/kit", "1.2.0").await, "has 2 versions, and this registry allows 2 of a package");
    told(site.publish(&ada, "@ada/other", "1.0.0").await, "has 1 packages, and this registry allows 1 in a scope");
    let post = async |path: &str, body: Value| site.send_json(Method::POST, path, &ada, &body).await;
    assert_eq!(post("/api/v1/scopes", json!({"name": "one"})).await.status, 201);
    told(post("/api/v1/scopes", json!({"name": "two"})).await, "has made 1 scopes beside its own");
    let token = json!({"name": "ci", "scopes": ["publish"]});
    assert_eq!(post("/api/v1/users/tokens", token.clone()).await.status, 201);
    told(post("/api/v1/users/tokens", token).await, "has 1 API tokens in force");
    let limits = site.get("/api/v1/limits").await.json();
    for (field, value) in [
        ("max_packages_per_scope", json!(1)),
        ("max_storage_per_scope", json!(100_000)),
        ("max_versions_per_package", json!(2)),
        ("max_scopes_per_user", json!(1)),
        ("max_tokens_per_user", json!(1)),
        ("max_webhooks_per_scope", json!(10)),
    ] {
        assert_eq!(limits[field], value, "{field}");
    }
    assert_eq!(site.get("/api/v1/packages/@ada/kit/1.1.0/download").await.status, 200, "what is there stays");
}

#[tokio::test]
async fn a_scope_takes_no_more_bytes_than_it_may() {
    let bytes = archive("@ada/kit", "1.0.0").len() as u64;
    let quotas = PublishQuotas { storage_per_scope: Some(bytes + 10), ..PublishQuotas::default() };
    let site = Site::of(World::with_policy(Policy::default().with_quotas(quotas)));
    let ada = site.user("ada").await;
    assert_eq!(site.publish(&ada, "@ada/kit", "1.0.0").await.status, 201);
    let refused = site.publish(&ada, "@ada/kit", "1.1.0").await;
    refused.assert_error(403, "quota_exceeded");
    assert!(refused.text().contains(&format!("take up {bytes} bytes")), "{}", refused.text());
    assert_eq!(site.publish(&ada, "kit", "1.0.0").await.status, 201, "a package without a scope");
}

#[tokio::test]
async fn a_tag_waits_for_an_approver() {
    let policy = Policy::default()
        .with_approval_for_tags([pattern("stable*")])
        .with_allowed_tags([pattern("stable*"), pattern("beta")]);
    let site = Site::of(World::with_policy(policy));
    let ada = site.user("ada").await;
    let archive = archive("kit", "1.0.0");
    let published = site.publish_form(&ada, &[("archive", &archive), ("tag", b"stable")]).await;
    assert_eq!((published.status.as_u16(), &published.json()["dist_tags"]), (201, &json!(["latest"])));
    assert!(published.text().contains("the dist-tag `stable` waits for an approver"), "{}", published.text());
    let (kit, version) = ("/api/v1/packages/kit", json!({"version": "1.0.0"}));
    let set = async |tag: &str| site.send_json(Method::PUT, &format!("{kit}/tags/{tag}"), &ada, &version).await;
    let refused = set("stable-1").await;
    refused.assert_error(400, "gate_failed");
    assert_eq!(refused.json()["details"][0]["field"], "approval");
    let refused = set("nightly").await;
    refused.assert_error(403, "tag_not_allowed");
    assert!(refused.text().contains("use one of `stable*`, `beta`"), "{}", refused.text());

    site.user("cat").await;
    let cat = "cat".parse().expect("a name");
    site.world.registry.set_role(&cat, AccountRole::Approver, true).await.expect("a user");
    let cat = site.login("cat").await;
    let waiting = site.act(Method::GET, "/api/v1/approvals", &cat).await.json();
    let [row] = &waiting["versions"].as_array().expect("a list")[..] else { panic!("{waiting}") };
    assert_eq!((&row["approval_status"], &row["tag"]), (&json!("approved"), &json!("stable")));
    let approved = site.send_json(Method::POST, &format!("{kit}/1.0.0/approve"), &cat, &json!({})).await;
    assert_eq!(approved.status, 201);
    assert_eq!((&approved.json()["tag"], &approved.json()["warnings"]), (&json!("stable"), &json!([])));
    assert_eq!(set("stable-1").await.status, 200);
    assert_eq!(site.get(&format!("{kit}/tags")).await.json()["tags"]["stable"], "1.0.0");
}

#[tokio::test]
async fn the_log_of_a_package_may_be_of_one_event() {
    let (site, ada) = Site::published().await;
    site.act(Method::DELETE, "/api/v1/packages/greet-kit/1.0.0", &ada).await;
    let log = async |query: &str| {
        let path = format!("/api/v1/packages/greet-kit/audit-log{query}");
        site.act(Method::GET, &path, &ada).await
    };
    site.world.registry.sequence_audit().await.expect("sequenced");
    assert_eq!(log("").await.json()["total"], 2);
    let yanks = log("?event=version.yank").await.json();
    assert_eq!((&yanks["total"], &yanks["entries"][0]["event"]), (&json!(1), &json!("version.yank")));
    log("?event=nothing").await.assert_error(400, "invalid_request");
}
