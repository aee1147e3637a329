//! Searching and reading packages.

use aam_registry_core::{archive::ArchiveLimits, registry::Policy, types::ManifestLimits};
use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use super::site::Site;
use crate::registry::world::{World, archive_with};

#[tokio::test]
async fn a_search_finds_packages() {
    let (site, token) = Site::published().await;
    site.publish(&token, "@ada/tool", "2.0.0").await;
    assert_snapshot!(site.get("/api/v1/packages?q=tool").await.snapshot());
    assert_eq!(site.get("/api/v1/packages?scope=ada").await.json()["packages"][0]["scope"], "ada");
    assert_eq!(site.get("/api/v1/packages?q=@ada/*").await.json()["total"], 1);
    let nothing = site.get("/api/v1/packages?q=zzz%20zzz").await.json();
    assert_eq!(nothing, json!({"packages": [], "total": 0, "page": 1, "pages": 0}));
    assert_eq!(site.get("/api/v1/packages?page=9&limit=1").await.json()["packages"], json!([]));
}

#[tokio::test]
async fn junk_in_a_search_is_text_and_junk_in_bounds_is_told() {
    let (site, _) = Site::published().await;
    for junk in ["%00", "%22%22%22", "(((", "a%20OR%20*", "%ff%fe", "'--", "%F0%9F%A6%80", "-", "%20"] {
        assert_eq!(site.get(&format!("/api/v1/packages?q={junk}")).await.status, 200, "{junk}");
    }
    let reply = site.get("/api/v1/packages?page=0&limit=101&sort=best&type=x&scope=A!").await;
    reply.assert_error(400, "invalid_request");
    let fields: Vec<_> =
        reply.json()["details"].as_array().expect("details").iter().map(|one| one["field"].clone()).collect();
    assert_eq!(json!(fields), json!(["type", "scope", "sort", "page", "limit"]));
}

#[tokio::test]
async fn a_package_shows_its_versions() {
    let (site, token) = Site::published().await;
    site.publish(&token, "greet-kit", "1.1.0-rc.1").await;
    assert_snapshot!(site.get("/api/v1/packages/greet-kit").await.snapshot());
    assert_snapshot!(site.get("/api/v1/packages/greet-kit/versions").await.snapshot());
}

#[tokio::test]
async fn a_version_shows_everything() {
    let (site, token) = Site::published().await;
    let more = "author: Ada\nlicense: MIT\nkeywords: [greeting]\nhomepage: https://example.com\n\
        dependencies:\n  greet-kit: ^1.0\n";
    site.publish_form(&token, &[("archive", &archive_with("@ada/tool", "2.0.0", more))]).await;
    let reply = site.get("/api/v1/packages/@ada/tool/2.0.0").await;
    assert_snapshot!(reply.snapshot());
    for spelling in ["%40ada/tool", "@ada%2Ftool", "%40ada%2ftool"] {
        let same = site.get(&format!("/api/v1/packages/{spelling}/2.0.0")).await;
        assert_eq!(same.body, reply.body, "{spelling}");
    }
}

#[tokio::test]
async fn one_version_is_resolved() {
    let (site, token) = Site::published().await;
    site.publish(&token, "greet-kit", "1.2.0").await;
    assert_snapshot!(site.get("/api/v1/packages/greet-kit/resolve?spec=%5E1.0").await.snapshot());
    assert_eq!(site.get("/api/v1/packages/greet-kit/resolve").await.json()["version"], "1.2.0");
    assert_eq!(site.get("/api/v1/packages/greet-kit/resolve?spec=1.0.0").await.json()["version"], "1.0.0");
    site.get("/api/v1/packages/greet-kit/resolve?spec=9").await.assert_error(404, "version_not_found");
    site.get("/api/v1/packages/greet-kit/resolve?spec=beta").await.assert_error(404, "tag_not_found");
    site.get("/api/v1/packages/greet-kit/resolve?spec=a%7C%7Cb").await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_tree_is_resolved_in_one_go() {
    let (site, token) = Site::published().await;
    let more = "dependencies:\n  greet-kit: ^1.0\n";
    site.publish_form(&token, &[("archive", &archive_with("@ada/tool", "2.0.0", more))]).await;
    let resolve = |body: serde_json::Value| {
        let site = &site;
        async move { site.send_json(Method::POST, "/api/v1/resolve", "", &body).await }
    };
    let reply = resolve(json!({"dependencies": {"@ada/tool": ""}, "unknown": 1})).await;
    assert_snapshot!(reply.snapshot());
    let conflict = resolve(json!({"dependencies": {"@ada/tool": "*", "greet-kit": "2"}})).await;
    assert!(matches!(conflict.status.as_u16(), 404 | 409), "{conflict:?}");
    let bad = resolve(json!({"dependencies": {"Nope!": "*", "greet-kit": ">=>"}})).await;
    bad.assert_error(400, "invalid_request");
    assert_eq!(bad.json()["details"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn downloads_are_told_by_day() {
    let (site, _) = Site::published().await;
    site.get("/api/v1/packages/greet-kit/1.0.0/download").await;
    site.world.registry.flush_downloads().await.expect("flushed");
    let reply = site.get("/api/v1/packages/greet-kit/downloads?from=2026-01-01&to=2026-02-01").await;
    assert_snapshot!(reply.snapshot());
    let none = site.get("/api/v1/packages/greet-kit/downloads?from=2026-02-01&to=2026-03-01").await;
    assert_eq!(none.json()["total"], 0);
    site.get("/api/v1/packages/greet-kit/downloads?from=yesterday").await.assert_error(400, "invalid_request");
    site.get("/api/v1/packages/greet-kit/downloads?version=2.0.0").await.assert_error(404, "version_not_found");
}

#[tokio::test]
async fn what_does_not_exist_is_told_by_name() {
    let (site, _) = Site::published().await;
    for path in ["nobody", "Nope!", "%ff", "@ada", "nobody/1.0.0", "nobody/versions", "nobody/tags", "nobody/owners"] {
        site.get(&format!("/api/v1/packages/{path}")).await.assert_error(404, "package_not_found");
    }
    for version in ["9.0.0", "1.0", "latest", "%ff", "1.0.0%20"] {
        site.get(&format!("/api/v1/packages/greet-kit/{version}")).await.assert_error(404, "version_not_found");
    }
    site.get("/api/v1/packages/greet-kit/1.0.0/unknown").await.assert_error(404, "not_found");
}

#[tokio::test]
async fn a_long_list_of_versions_comes_in_parts() {
    // Published under higher limits than those in force now.
    let wide = ManifestLimits::default().with_max_dependencies(100_000);
    let policy = Policy::default().with_archive_limits(ArchiveLimits::default().with_manifest(wide));
    let site = Site::of(World::with_policy(policy));
    let token = site.user("ada").await;
    let name = "dependency-with-a-name-of-almost-sixty-characters";
    let needs = (0..5_000).map(|n| format!("  {name}-{n}: '>=1.0,<2.0'\n")).collect::<Vec<_>>().concat();
    for number in ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"] {
        let archive = archive_with("kit", number, &format!("dependencies:\n{needs}"));
        assert_eq!(site.publish_form(&token, &[("archive", &archive)]).await.status, 201);
    }
    let numbers = |told: &serde_json::Value| -> Vec<String> {
        let versions = told["versions"].as_array().expect("versions").iter();
        versions.map(|one| one["version"].as_str().expect("a version").to_owned()).collect()
    };
    let package = site.get("/api/v1/packages/kit").await.json();
    assert_eq!((numbers(&package), &package["versions_total"]), (vec!["1.4.0".to_owned()], &json!(5)));
    let mut path = "/api/v1/packages/kit/versions".to_owned();
    let mut told = Vec::new();
    for _ in 0..9 {
        let part = site.get(&path).await.json();
        told.extend(numbers(&part));
        assert_eq!(part["total"], 5);
        let Some(before) = part["next_before"].as_str() else { break };
        path = format!("/api/v1/packages/kit/versions?before={before}");
    }
    assert_eq!(told, ["1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"]);
    // A read that does not return dependencies considers all versions.
    assert_eq!(site.get("/api/v1/packages/kit/resolve?spec=%3D1.0.0").await.json()["version"], "1.0.0");
    assert_eq!(site.get("/api/v1/packages/kit/tags").await.json()["tags"], json!({"latest": "1.4.0"}));
    site.get("/api/v1/packages/kit/versions?before=9.9.9").await.assert_error(404, "version_not_found");
    site.get("/api/v1/packages/kit/versions?before=x").await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_version_with_too_many_dependencies_or_too_long_a_key_is_refused() {
    let (site, token) = Site::published().await;
    let needs = (0..257).map(|n| format!("  p{n}: '*'\n")).collect::<Vec<_>>().concat();
    let long = "k".repeat(257);
    let archive = archive_with("kit", "1.0.0", &format!("dependencies:\n{needs}mine: {{{long}: 1}}\n"));
    let reply = site.publish_form(&token, &[("archive", &archive)]).await;
    reply.assert_error(400, "invalid_manifest");
    let told: Vec<_> =
        reply.json()["details"].as_array().expect("details").iter().map(|one| one["error"].clone()).collect();
    assert_eq!(told, ["has 257 entries; at most 256 are allowed", "is a key of 257 bytes; at most 256 are allowed"]);
}
