//! The endpoints for operators.

use aam_registry_core::{
    archive::ArchiveLimits,
    memory::MemoryMailer,
    registry::{Policy, RegistrationPolicy},
    types::ManifestLimits,
};
use insta::assert_snapshot;
use serde_json::json;

use super::site::Site;
use crate::registry::world::World;

#[tokio::test]
async fn parts_tell_their_health() {
    let site = Site::new();
    assert_snapshot!(site.get("/health").await.snapshot());
    for part in ["db", "storage", "cache"] {
        let reply = site.get(&format!("/health/{part}")).await;
        assert_eq!((reply.status.as_u16(), reply.json()["status"].as_str()), (200, Some("ok")), "{part}");
        assert!(reply.json()["latency_ms"].as_f64().is_some_and(|latency| latency >= 0.0));
    }
}

#[tokio::test]
async fn metrics_are_there_where_the_host_has_some() {
    Site::new().get("/metrics").await.assert_error(404, "not_found");
    let site = Site::with(World::new(), "", |builder| builder.metrics(|| "up 1\n".to_owned()));
    let reply = site.get("/metrics").await;
    assert_eq!((reply.text(), reply.header("content-type")), ("up 1\n", "text/plain; version=0.0.4; charset=utf-8"));
}

#[tokio::test]
async fn the_root_speaks_to_browsers_and_to_others() {
    let site = Site::new();
    assert_snapshot!(site.get("/").await.snapshot());
    for path in ["/", "/api/docs"] {
        let page = site.get_with(path, &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]).await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let text = page.text();
        assert!(text.starts_with("<!doctype html>") && !text.contains("{{"), "{path}");
        for outside in ["src=\"http", "href=\"http", "url(", "@import"] {
            assert!(!text.contains(outside), "{path} fetches from elsewhere: {outside}");
        }
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
    }
    assert!(site.get("/").await.header("vary").contains("accept"));
}

#[tokio::test]
async fn the_limits_are_those_in_force() {
    assert_snapshot!(Site::new().get("/api/v1/limits").await.snapshot());
    let manifest = ManifestLimits::default().with_max_dependencies(3).with_max_key(40);
    let limits = ArchiveLimits::default().with_max_archive_size(1000).with_manifest(manifest);
    let policy = Policy::default()
        .with_archive_limits(limits)
        .with_registration(RegistrationPolicy::Closed)
        .with_allowed_tags(["beta".parse().expect("a tag")]);
    let told = Site::of(World::with_policy(policy)).get("/api/v1/limits").await.json();
    for (field, value) in [
        ("max_archive_size", json!(1000)),
        ("max_dependencies", json!(3)),
        ("max_manifest_key", json!(40)),
        ("allowed_tags", json!(["beta"])),
        ("max_resolve_packages", json!(512)),
    ] {
        assert_eq!(told[field], value, "{field}");
    }
    assert_eq!(told["features"]["registration"], false);
    let mailer = MemoryMailer::new();
    let world = World::with(|builder, _, _| builder.mailer(mailer, "https://registry.example.com"));
    assert_eq!(Site::of(world).get("/api/v1/limits").await.json()["features"]["mail"], true);
}
