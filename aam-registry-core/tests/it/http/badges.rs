//! Badges of packages.

use aam_registry_core::types::Visibility;
use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use super::site::Site;
use crate::registry::world::{archive_with, name};

const EVALS: &str = "/api/v1/packages/greet-kit/1.0.0/eval-results";

async fn badge(site: &Site, metric: &str) -> (String, String, String) {
    let reply = site.get(&format!("/badge/greet-kit/{metric}")).await;
    assert_eq!(reply.status, 200, "{metric}: {reply:?}");
    let badge = reply.json();
    assert_eq!(badge["schemaVersion"], 1);
    let text = |key: &str| badge[key].as_str().expect("a text").to_owned();
    (text("label"), text("message"), text("color"))
}

fn told(label: &str, message: &str, color: &str) -> (String, String, String) {
    (label.to_owned(), message.to_owned(), color.to_owned())
}

#[tokio::test]
async fn a_badge_tells_one_fact() {
    let (site, ada) = Site::published().await;
    assert_eq!(badge(&site, "version").await, told("aam", "v1.0.0", "blue"));
    assert_eq!(badge(&site, "downloads").await, told("downloads", "0", "blue"));
    assert_eq!(badge(&site, "license").await, told("license", "not given", "lightgrey"));
    assert_eq!(badge(&site, "tests").await, told("tests", "no result", "lightgrey"));
    assert_eq!(badge(&site, "evals").await, told("evals", "no result", "lightgrey"));
    assert_eq!(badge(&site, "approval").await, told("approval", "not reviewed", "lightgrey"));
    for (eval, status, metrics) in [
        ("tests", "passed", json!({})),
        ("quality", "failed", json!({"accuracy": 0.93, "model": "<b>small</b>", "cached": true})),
    ] {
        let body = json!({
            "eval_name": eval, "status": status, "metrics": metrics, "run_at": "2026-11-24T08:00:00Z",
        });
        assert_eq!(site.send_json(Method::POST, EVALS, &ada, &body).await.status, 201);
    }
    assert_eq!(badge(&site, "tests").await, told("tests", "passed", "brightgreen"));
    assert_eq!(badge(&site, "evals").await, told("evals", "1 of 2 passed", "yellow"));
    assert_eq!(badge(&site, "quality").await, told("quality", "failed", "red"));
    assert_eq!(badge(&site, "accuracy").await, told("accuracy", "0.93", "blue"));
    assert_eq!(badge(&site, "cached").await, told("cached", "yes", "brightgreen"));

    let unknown = site.get("/badge/greet-kit/nonsense").await;
    unknown.assert_error(404, "not_found");
    assert!(unknown.text().contains("version, downloads, license"), "{}", unknown.text());
    let image = site.get("/badge/greet-kit/model.svg").await;
    assert!(image.text().contains("&lt;b&gt;small&lt;/b&gt;") && !image.text().contains("<b>"), "{}", image.text());
    let by = site.principal(&ada).await;
    let licensed = archive_with("greet-kit", "2.0.0-rc.1", "license: Apache-2.0\n");
    site.world.publish(&by, licensed).await.expect("published");
    assert_eq!(badge(&site, "version").await, told("aam", "v1.0.0", "blue"), "a pre-release is not the latest version");
    site.act(Method::DELETE, "/api/v1/packages/greet-kit/1.0.0", &ada).await;
    assert_eq!(badge(&site, "version").await, told("aam", "v2.0.0-rc.1", "yellow"));
    assert_eq!(badge(&site, "license").await, told("license", "Apache-2.0", "blue"));
    site.act(Method::DELETE, "/api/v1/packages/greet-kit/2.0.0-rc.1", &ada).await;
    assert_eq!(badge(&site, "version").await, told("aam", "no latest", "lightgrey"));
    assert_eq!(badge(&site, "evals").await, told("evals", "no result", "lightgrey"));
}

#[tokio::test]
async fn a_badge_is_an_image_that_caches_ask_for_again() {
    let (site, ada) = Site::published().await;
    let image = site.get("/badge/greet-kit/version.svg").await;
    assert_snapshot!("badge_svg", image.text());
    assert_eq!(image.header("content-type"), "image/svg+xml");
    assert_eq!(image.header("cache-control"), "public, max-age=0, must-revalidate");
    assert_eq!(image.header("x-content-type-options"), "nosniff");
    assert!(image.header("content-security-policy").contains("default-src 'none'"));
    let tag = image.header("etag").to_owned();
    let again = site.get_with("/badge/greet-kit/version.svg", &[("if-none-match", &tag)]).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    assert_eq!(site.head("/badge/greet-kit/version.svg").await.status, 200);
    let known = site.act(Method::GET, "/badge/greet-kit/version.svg", &ada).await;
    assert!(known.header("cache-control").starts_with("private"), "{known:?}");
}

#[tokio::test]
async fn a_private_package_has_no_badge_for_others() {
    let site = Site::new();
    let (ada, eve) = (site.user("ada").await, site.user("eve").await);
    let by = site.principal(&ada).await;
    let kit = name("@ada/kit");
    site.world.published(&by, "@ada/kit", "1.0.0").await;
    assert_eq!(site.get("/badge/@ada/kit/version").await.status, 200);
    assert_eq!(site.get("/badge/%40ada%2Fkit/version.svg").await.status, 200, "another spelling");
    site.world.registry.set_visibility(&by, &kit, Visibility::Private).await.expect("private");
    for path in ["/badge/@ada/kit/version", "/badge/@ada/kit/version.svg", "/badge/@ada/kit/nonsense"] {
        site.get(path).await.assert_error(404, "package_not_found");
        site.act(Method::GET, path, &eve).await.assert_error(404, "package_not_found");
    }
    let own = site.act(Method::GET, "/badge/@ada/kit/version", &ada).await;
    assert_eq!(own.status, 200);
    assert!(own.header("cache-control").starts_with("private"), "{own:?}");
}
