//! Where the service is mounted, and which groups of routes it has.

use aam_registry_core::http::{Readiness, ReadinessState, RegistryService, RouteGroup};
use http::Method;
use serde_json::{Map, Value, json};

use super::{
    reply::Reply,
    site::{Site, request},
};
use crate::registry::world::World;

#[tokio::test]
async fn links_carry_the_prefix() {
    let site = Site::with(World::new(), "/registry", |builder| builder);
    let token = site.user("ada").await;
    let by = site.principal(&token).await;
    site.world.published(&by, "@ada/tool", "1.0.0").await;
    let version = site.get("/registry/api/v1/packages/@ada/tool/1.0.0").await.json();
    let url = version["download_url"].as_str().expect("a path");
    assert_eq!(url, "/registry/api/v1/packages/@ada/tool/1.0.0/download");
    assert_eq!(site.get(url).await.status, 200);
    for outside in ["/api/v1/packages", "/registryapi/v1/packages", "/registr", "/"] {
        let reply = site.get(outside).await;
        reply.assert_error(404, "not_found");
        assert!(reply.text().contains("described at /registry/api/docs"), "{}", reply.text());
    }
    assert_eq!(site.get("/registry").await.json(), site.get("/registry/").await.json());
    let about = site.get("/registry/api/openapi.json").await.json()["info"]["description"].to_string();
    assert!(about.contains("`POST /registry/api/v1/users/tokens`") && !about.contains("{{"), "{about}");
    assert_eq!(site.get("/registry/").await.json()["api"], "/registry/api/v1");
    assert_eq!(site.get("/registry/api/openapi.json").await.json()["servers"], json!([{"url": "/registry"}]));
}

/// The paths of the OpenAPI document.
async fn described(site: &Site) -> Map<String, Value> {
    site.get("/api/openapi.json").await.json()["paths"].as_object().expect("paths").clone()
}

#[tokio::test]
async fn groups_of_routes_can_be_left_out() {
    let whole = Site::new();
    let all = described(&whole).await;
    let left_out = [RouteGroup::Registration, RouteGroup::Login, RouteGroup::Publishing, RouteGroup::Probes];
    let site = Site::with(World::new(), "", |builder| builder.without(left_out));
    let rest = described(&site).await;
    for path in ["/api/v1/users/register", "/api/v1/users/login", "/api/v1/users/logout", "/health", "/metrics"] {
        assert!(all.contains_key(path) && !rest.contains_key(path), "{path}");
        if path.starts_with("/api") {
            // The path then has another meaning: the profile of a user with that name.
            let reply = Reply::of(site.respond(request(Method::POST, path, &[], "")).await).await;
            reply.assert_error(405, "method_not_allowed");
            site.get(path).await.assert_error(404, "user_not_found");
        } else {
            // The OpenAPI document of a whole registry does not list this answer.
            let reply = Reply::of(site.respond(request(Method::GET, path, &[], "")).await).await;
            reply.assert_error(404, "not_found");
        }
    }
    assert!(rest["/api/v1/packages"].get("post").is_none() && rest["/api/v1/packages"].get("get").is_some());
    let publish = Reply::of(site.respond(request(Method::POST, "/api/v1/packages", &[], "")).await).await;
    publish.assert_error(405, "method_not_allowed");
    assert_eq!(publish.header("allow"), "GET, HEAD");
    assert_eq!(site.get("/api/v1/packages").await.status, 200);
    let undescribed = Site::with(World::new(), "", |builder| builder.without([RouteGroup::Documentation]));
    for path in ["/api/openapi.json", "/api/docs", "/"] {
        let reply = Reply::of(undescribed.respond(request(Method::GET, path, &[], "")).await).await;
        reply.assert_error(404, "not_found");
        assert!(!reply.text().contains("/api/docs"), "{}", reply.text());
    }
}

#[tokio::test]
async fn links_follow_the_base_url_and_never_the_host() {
    let site = Site::with(World::new(), "", |builder| builder.base_url("https://example.com/mirror/"));
    let reply = site.get_with("/", &[("host", "evil.example"), ("x-forwarded-host", "evil.example")]).await;
    assert_eq!(reply.json()["docs"], "/mirror/api/docs");
    let document = site.get("/api/openapi.json").await.json();
    assert_eq!(document["servers"], json!([{"url": "https://example.com/mirror"}]));
}

#[tokio::test]
async fn bad_settings_are_told_all_at_once() {
    let builder = RegistryService::builder(World::new().registry);
    let error = builder.prefix("registry").base_url("example.com").cors(["nothing"]).build().expect_err("three faults");
    let text = error.to_string();
    for part in ["prefix `registry`", "`example.com`", "`nothing`"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn browsers_of_known_origins_may_call() {
    let site = Site::with(World::new(), "", |builder| builder.cors(["https://app.example"]));
    let preflight = |origin: &'static str| {
        let headers = [("origin", origin), ("access-control-request-method", "PUT")];
        let request = request(Method::OPTIONS, "/api/v1/packages/a/tags/b", &headers, "");
        let site = &site;
        async move { site.respond(request).await }
    };
    let allowed = preflight("https://app.example").await;
    assert_eq!(allowed.status(), 200);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://app.example");
    assert!(allowed.headers().contains_key("x-request-id"));
    assert!(!preflight("https://other.example").await.headers().contains_key("access-control-allow-origin"));
    let error = site.get_with("/nothing", &[("origin", "https://app.example")]).await;
    assert_eq!(error.header("access-control-allow-origin"), "https://app.example", "errors can be read too");
    let none = Site::new().get_with("/health", &[("origin", "https://app.example")]).await;
    assert_eq!(none.header_if_any("access-control-allow-origin"), None);
}

#[tokio::test]
async fn readiness_follows_the_handle() {
    let readiness = Readiness::new(ReadinessState::Starting);
    let handle = readiness.clone();
    let site = Site::with(World::new(), "", |builder| builder.readiness(readiness));
    site.get("/ready").await.assert_error(503, "overloaded");
    handle.wait_for("the database to answer");
    let waits = site.get("/ready").await;
    waits.assert_error(503, "overloaded");
    assert_eq!(waits.json()["message"], "The registry is starting: it waits for the database to answer");
    handle.set(ReadinessState::Ready);
    assert_eq!(site.get("/ready").await.json(), json!({"status": "ready", "failing": []}));
    handle.set(ReadinessState::Draining);
    site.get("/ready").await.assert_error(503, "overloaded");
    assert_eq!(site.get("/health").await.status, 200);
}
