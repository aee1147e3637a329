//! The endpoints for operators.

use insta::assert_snapshot;

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
