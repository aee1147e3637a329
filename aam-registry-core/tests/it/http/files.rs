//! The contents of archives.

use http::Method;
use insta::assert_snapshot;

use aam_registry_core::{
    archive::ArchiveLimits, memory::MemoryLimiter, ports::RateClass, registry::Policy, types::ManifestLimits,
};

use super::site::Site;
use crate::registry::world::{World, archive_with, tar_gz};

const VERSION: &str = "/api/v1/packages/greet-kit/1.0.0";

#[tokio::test]
async fn contents_are_listed_and_read() {
    let (site, _) = Site::published().await;
    assert_snapshot!(site.get(&format!("{VERSION}/files")).await.snapshot());
    let readme = site.get(&format!("{VERSION}/readme")).await;
    assert_eq!((readme.text(), readme.header("content-type")), ("# Hello\n", "text/markdown; charset=utf-8"));
    for spelling in ["skills/one/SKILL.md", "skills%2Fone%2FSKILL.md"] {
        let file = site.get(&format!("{VERSION}/files/{spelling}")).await;
        assert!(file.text().contains("Version 1.0.0"), "{file:?}");
        assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(file.header("content-length"), file.body.len().to_string());
    }
}

#[tokio::test]
async fn a_file_is_never_a_page() {
    let site = Site::new();
    let token = site.user("ada").await;
    let manifest = b"name: web\nversion: 1.0.0\ndescription: x\nartifacts:\n  prompts:\n    - {name: p, path: p.md, description: x}\n";
    let files: &[(&str, &[u8])] = &[
        ("aam.yaml", manifest),
        ("p.md", b"x"),
        ("page.html", b"<script>alert(1)</script>"),
        ("logo.bin", b"\x00\x01\xff"),
        ("latin.txt", b"caf\xe9"),
        ("empty", b""),
    ];
    assert_eq!(site.publish_form(&token, &[("archive", &tar_gz(files))]).await.status, 201);
    for (path, media_type) in [
        ("page.html", "text/plain; charset=utf-8"),
        ("logo.bin", "application/octet-stream"),
        ("latin.txt", "application/octet-stream"),
        ("empty", "text/plain; charset=utf-8"),
    ] {
        let path = format!("/api/v1/packages/web/1.0.0/files/{path}");
        let reply = site.get(&path).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), media_type, "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert!(reply.header("content-security-policy").contains("sandbox"));
        let head = site.head(&path).await;
        assert_eq!(head.header("content-length"), reply.body.len().to_string());
        let etag = reply.header("etag").to_owned();
        assert_eq!(site.get_with(&path, &[("if-none-match", &etag)]).await.status, 304);
    }
    site.get("/api/v1/packages/web/1.0.0/readme").await.assert_error(404, "not_found");
}

#[tokio::test]
async fn there_is_nothing_beside_the_archive() {
    let (site, _) = Site::published().await;
    for path in ["..", "../aam.yaml", "%2e%2e%2faam.yaml", "nothing", "skills", "skills/one/", "%00", "%ff"] {
        site.get(&format!("{VERSION}/files/{path}")).await.assert_error(404, "not_found");
    }
}

#[tokio::test]
async fn versions_are_compared() {
    let (site, token) = Site::published().await;
    assert_eq!(site.publish(&token, "greet-kit", "1.1.0").await.status, 201);
    let path = "/api/v1/packages/greet-kit/diff";
    assert_snapshot!(site.get(&format!("{path}?from=1.0.0&to=1.1.0")).await.snapshot());
    site.get(path).await.assert_error(400, "invalid_request");
    site.get(&format!("{path}?from=1.0.0&to=x")).await.assert_error(400, "invalid_request");
    site.get(&format!("{path}?from=1.0.0&to=3.0.0")).await.assert_error(404, "version_not_found");
    let other = site.send(super::site::request(Method::POST, path, &[], "")).await;
    other.assert_error(405, "method_not_allowed");
}

#[tokio::test]
async fn what_is_not_built_has_no_routes() {
    let (site, _) = Site::published().await;
    let nowhere = site.get("/api/v1/nothing").await.json()["message"].clone();
    for what in ["signature", "attestation"] {
        let reply = site.get(&format!("{VERSION}/{what}")).await;
        reply.assert_error(404, "not_found");
        assert_eq!(reply.json()["message"], nowhere, "it exists no more than other paths do");
        assert_eq!(site.get(VERSION).await.json()[what], serde_json::Value::Null);
    }
    assert!(!site.get("/api/openapi.json").await.text().contains("/signature"));
}

#[tokio::test]
async fn reads_inside_archives_have_a_limit_of_their_own() {
    let limiter = MemoryLimiter::unlimited().with_limit(RateClass::Contents, 2);
    let site = Site::of(World::with(|builder, _, _| builder.rate_limiter(limiter)));
    let token = site.user("ada").await;
    assert_eq!(site.publish(&token, "greet-kit", "1.0.0").await.status, 201);
    let file = format!("{VERSION}/files/README.md");
    assert_eq!(site.get(&file).await.header("ratelimit-limit"), "2");
    assert_eq!(site.get("/api/v1/packages/greet-kit/diff?from=1.0.0&to=1.0.0").await.status, 200);
    site.get(&file).await.assert_error(429, "rate_limited");
    assert_eq!(site.get(&format!("{VERSION}/files")).await.status, 200);
    assert_eq!(site.get(&format!("{VERSION}/readme")).await.status, 200);
}

#[tokio::test]
async fn manifests_of_wider_limits_are_compared_in_little_room() {
    let wide = ManifestLimits::default().with_max_key(usize::MAX);
    let policy = Policy::default().with_archive_limits(ArchiveLimits::default().with_manifest(wide));
    let site = Site::of(World::with_policy(policy));
    let token = site.user("ada").await;
    let key = "k".repeat(1_000_000);
    for number in ["1.0.0", "1.1.0"] {
        let leaves = (0..20_000).map(|at| format!("    a{at}: {number}\n")).collect::<Vec<_>>().concat();
        let archive = archive_with("greet-kit", number, &format!("mine:\n  ? {key}\n  :\n{leaves}"));
        assert_eq!(site.publish_form(&token, &[("archive", &archive)]).await.status, 201);
    }
    let reply = site.get("/api/v1/packages/greet-kit/diff?from=1.0.0&to=1.1.0").await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.len() < 1 << 20, "{} bytes", reply.body.len());
    let told = reply.json();
    assert_eq!(told["manifest_truncated"], true);
    assert!(told["manifest"].as_array().is_some_and(|keys| keys.len() > 100));
    assert_eq!(told["files"][0]["path"], "aam.yaml");
    assert_eq!(site.get(VERSION).await.status, 200);
}
