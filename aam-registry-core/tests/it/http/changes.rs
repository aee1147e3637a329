//! Yanks, deprecations, dist-tags, owners, scopes, the audit log.

use aam_registry_core::registry::Policy;
use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use super::site::Site;
use crate::registry::world::World;

const VERSION: &str = "/api/v1/packages/greet-kit/1.0.0";

#[tokio::test]
async fn a_version_is_yanked_and_back() {
    let (site, token) = Site::published().await;
    site.publish(&token, "greet-kit", "1.1.0").await;
    let newest = "/api/v1/packages/greet-kit/1.1.0";
    let reply = site.act(Method::DELETE, &format!("{newest}?reason=leaks%20keys"), &token).await;
    assert_snapshot!(reply.snapshot());
    let again = site.act(Method::DELETE, &format!("{newest}?reason=other"), &token).await;
    assert_eq!(again.json()["yanked_reason"], "leaks keys");
    assert_snapshot!(site.act(Method::POST, &format!("{newest}/unyank"), &token).await.snapshot());
    site.act(Method::DELETE, VERSION, "nonsense").await.assert_error(401, "unauthorized");
    let other = site.user("eve").await;
    site.act(Method::DELETE, VERSION, &other).await.assert_error(403, "forbidden");
    site.act(Method::DELETE, &format!("{VERSION}?reason={}", "x".repeat(513)), &token)
        .await
        .assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_version_is_deprecated_and_back() {
    let (site, token) = Site::published().await;
    let path = format!("{VERSION}/deprecation");
    let reply = site.send_json(Method::PUT, &path, &token, &json!({"message": " use 2 "})).await;
    assert_snapshot!(reply.snapshot());
    assert_eq!(site.get(VERSION).await.json()["deprecated"], "use 2");
    for bad in [json!({"message": " "}), json!({"message": "x".repeat(513)}), json!({}), json!({"message": 7})] {
        site.send_json(Method::PUT, &path, &token, &bad).await.assert_error(400, "invalid_request");
    }
    let gone = site.act(Method::DELETE, &path, &token).await;
    assert_eq!((gone.status.as_u16(), gone.header("cache-control")), (204, "no-store"));
    assert_eq!(site.get(VERSION).await.json()["deprecated"], json!(null));
}

#[tokio::test]
async fn dist_tags_move() {
    let (site, token) = Site::published().await;
    let path = "/api/v1/packages/greet-kit/tags";
    let set = |tag: &str, version: &str| {
        let (path, body) = (format!("{path}/{tag}"), json!({"version": version}));
        let (site, token) = (&site, &token);
        async move { site.send_json(Method::PUT, &path, token, &body).await }
    };
    assert_snapshot!(set("beta", "1.0.0").await.snapshot());
    assert_snapshot!(site.get(path).await.snapshot());
    set("beta", "9.0.0").await.assert_error(404, "version_not_found");
    set("beta", "one").await.assert_error(400, "invalid_request");
    set("all", "1.0.0").await.assert_error(400, "invalid_tag");
    set("%ff", "1.0.0").await.assert_error(400, "invalid_tag");
    assert_eq!(site.act(Method::DELETE, &format!("{path}/beta"), &token).await.status, 204);
    site.act(Method::DELETE, &format!("{path}/beta"), &token).await.assert_error(404, "tag_not_found");
    site.act(Method::DELETE, &format!("{path}/latest"), &token).await.assert_error(400, "invalid_tag");
}

#[tokio::test]
async fn owners_come_and_go() {
    let (site, token) = Site::published().await;
    site.user("bob").await;
    let path = "/api/v1/packages/greet-kit/owners";
    assert_snapshot!(site.act(Method::PUT, &format!("{path}/bob"), &token).await.snapshot());
    assert_eq!(site.get(path).await.json()["owners"], json!(["ada", "bob"]));
    assert_eq!(site.act(Method::DELETE, &format!("{path}/bob"), &token).await.status, 204);
    site.act(Method::DELETE, &format!("{path}/ada"), &token).await.assert_error(409, "last_owner");
    site.act(Method::PUT, &format!("{path}/nobody"), &token).await.assert_error(404, "user_not_found");
    site.act(Method::PUT, &format!("{path}/No!"), &token).await.assert_error(404, "user_not_found");
}

#[tokio::test]
async fn scopes_have_members() {
    let site = Site::new();
    let token = site.user("ada").await;
    site.user("bob").await;
    let made = site.send_json(Method::POST, "/api/v1/scopes", &token, &json!({"name": "my_org"})).await;
    assert_snapshot!(made.snapshot());
    for taken in ["my_org", "bob"] {
        let again = site.send_json(Method::POST, "/api/v1/scopes", &token, &json!({"name": taken})).await;
        again.assert_error(409, "scope_exists");
    }
    site.send_json(Method::POST, "/api/v1/scopes", &token, &json!({"name": "My Org"}))
        .await
        .assert_error(400, "invalid_request");
    let member = "/api/v1/scopes/my_org/members/bob";
    let set = site.send_json(Method::PUT, member, &token, &json!({"role": "contributor"})).await;
    assert_snapshot!(set.snapshot());
    site.send_json(Method::PUT, member, &token, &json!({"role": "king"})).await.assert_error(400, "invalid_request");
    assert_snapshot!(site.get("/api/v1/scopes/my_org").await.snapshot());
    assert_eq!(site.act(Method::DELETE, member, &token).await.status, 204);
    site.act(Method::DELETE, "/api/v1/scopes/my_org/members/ada", &token).await.assert_error(409, "last_owner");
    site.publish(&token, "@my_org/kit", "1.0.0").await;
    site.act(Method::PUT, "/api/v1/packages/@my_org/kit/owners/bob", &token).await;
    let shown = site.get("/api/v1/scopes/my_org").await.json();
    assert_eq!(shown["collaborators"], json!([{"username": "bob", "package": "@my_org/kit"}]));
    assert_eq!(shown["collaborators_truncated"], json!(false));
    site.get("/api/v1/scopes/nobody").await.assert_error(404, "scope_not_found");
    site.get("/api/v1/scopes/No!").await.assert_error(404, "scope_not_found");
}

#[tokio::test]
async fn the_audit_log_is_for_those_concerned() {
    let (site, token) = Site::published().await;
    site.act(Method::DELETE, &format!("{VERSION}?reason=old"), &token).await;
    let path = "/api/v1/packages/greet-kit/audit-log";
    assert_snapshot!(site.act(Method::GET, path, &token).await.snapshot());
    let eve = site.user("eve").await;
    site.act(Method::GET, path, &eve).await.assert_error(403, "forbidden");
    site.get(path).await.assert_error(401, "unauthorized");
    site.act(Method::GET, "/api/v1/audit-log", &token).await.assert_error(403, "forbidden");
    site.world.admin("root-user").await;
    let admin = site.login("root-user").await;
    let filtered = "/api/v1/audit-log?event=version.yank&actor=ada&package=greet-kit&limit=200\
        &from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z";
    assert_eq!(site.act(Method::GET, filtered, &admin).await.json()["total"], 1);
    for bad in ["limit=201", "page=0", "event=nothing", "from=now", "package=No!"] {
        site.act(Method::GET, &format!("/api/v1/audit-log?{bad}"), &admin).await.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn tags_owners_and_members_are_bounded_and_the_refusal_names_the_bound() {
    let policy = Policy::default().with_tags_per_package(1).with_owners_per_package(1).with_members_per_scope(1);
    let site = Site::of(World::with_policy(policy));
    let ada = site.user("ada").await;
    site.user("bob").await;
    site.publish(&ada, "kit", "1.0.0").await;
    let tag = json!({"version": "1.0.0"});
    let set = site.send_json(Method::PUT, "/api/v1/packages/kit/tags/beta", &ada, &tag).await;
    assert_eq!(set.status, 200);
    for (path, body, bound) in [
        (
            "/api/v1/packages/kit/tags/next",
            tag,
            "allows 1 dist-tags of a package beside `latest` (MAX_TAGS_PER_PACKAGE)",
        ),
        ("/api/v1/packages/kit/owners/bob", json!({}), "allows 1 owners of a package (MAX_OWNERS_PER_PACKAGE)"),
        (
            "/api/v1/scopes/ada/members/bob",
            json!({"role": "member"}),
            "allows 1 members of a scope (MAX_MEMBERS_PER_SCOPE)",
        ),
    ] {
        let refused = site.send_json(Method::PUT, path, &ada, &body).await;
        refused.assert_error(403, "quota_exceeded");
        assert!(refused.text().contains(bound), "{}", refused.text());
    }
    let limits = site.get("/api/v1/limits").await.json();
    for limit in ["max_tags_per_package", "max_owners_per_package", "max_members_per_scope"] {
        assert_eq!(limits[limit], 1, "{limit}");
    }
}
