//! Downloads that are redirected to a CDN.

use aam_registry_core::{
    decorate::CdnArchives,
    types::{ModerationCategory, Sha256Digest},
};
use http::Method;

use super::{
    reply::Reply,
    site::{Site, request},
};
use crate::registry::world::{World, archive, archive_with, name, version};

const BASE: &str = "https://cdn.example.com";
const PATH: &str = "/api/v1/packages/greet-kit/1.0.0/download";

/// A site behind a CDN, with two versions of a package.
async fn site() -> Site {
    let world = World::with(|builder, _, archives| {
        builder.archives(CdnArchives::new(archives.clone(), BASE).expect("a base URL"))
    });
    let site = Site::of(world);
    let token = site.user("ada").await;
    let by = site.principal(&token).await;
    for version in ["1.0.0", "1.1.0-rc.1+build.5"] {
        site.world.published(&by, "greet-kit", version).await;
    }
    site
}

fn location(reply: &Reply) -> &str {
    assert_eq!(reply.status, 302, "{reply:?}");
    assert_eq!(reply.header("cache-control"), "private, max-age=60");
    assert!(reply.body.is_empty());
    reply.header("location").strip_prefix(BASE).expect("to the CDN")
}

async fn counted(site: &Site) -> u64 {
    site.world.registry.flush_downloads().await.expect("flushed");
    let told = site.get("/api/v1/packages/greet-kit/downloads?from=2026-01-01&to=2026-03-01").await;
    told.json()["total"].as_u64().expect("a number")
}

#[tokio::test]
async fn downloads_are_sent_to_a_path_that_holds_the_digest() {
    let site = site().await;
    for version in ["1.0.0", "1.1.0-rc.1+build.5"] {
        let sha256 = Sha256Digest::of(&archive("greet-kit", version));
        let path = format!("/api/v1/packages/greet-kit/{version}/download");
        let wanted = format!("{path}/{sha256}");
        assert_eq!(location(&site.get(&path).await), wanted);
        assert_eq!(location(&site.head(&path).await), wanted);
        assert_eq!(location(&site.get_with(&path, &[("range", "bytes=10-19")]).await), wanted);
    }
}

#[tokio::test]
async fn what_needs_no_bytes_is_answered_here() {
    let site = site().await;
    let sha256 = Sha256Digest::of(&archive("greet-kit", "1.0.0"));
    let etag = format!("\"{sha256}\"");
    assert_eq!(site.get_with(PATH, &[("if-none-match", &etag)]).await.status, 304);
    site.get_with(PATH, &[("range", "bytes=999999-")]).await.assert_error(416, "range_not_satisfiable");
    site.get("/api/v1/packages/greet-kit/9.9.9/download").await.assert_error(404, "version_not_found");
}

#[tokio::test]
async fn the_cdn_is_sent_the_bytes_and_never_back_to_itself() {
    let site = site().await;
    let path = location(&site.get(PATH).await).to_owned();
    let bytes = archive("greet-kit", "1.0.0");
    let whole = site.get(&path).await;
    assert_eq!((whole.status.as_u16(), &whole.body[..]), (200, &bytes[..]));
    assert_eq!(whole.header("x-checksum-sha256"), Sha256Digest::of(&bytes).to_string());
    assert_eq!(whole.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(whole.header("content-disposition"), "attachment; filename=\"greet-kit-1.0.0.aam\"");
    let head = site.head(&path).await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, whole.header("content-length")));
    let part = site.get_with(&path, &[("range", "bytes=10-19")]).await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &bytes[10..20]));
    assert_eq!(site.get_with(&path, &[("if-none-match", whole.header("etag"))]).await.status, 304);
    site.get_with(&path, &[("range", "bytes=999999-")]).await.assert_error(416, "range_not_satisfiable");
}

#[tokio::test]
async fn only_the_digest_of_that_version_is_a_path() {
    let site = site().await;
    let other = Sha256Digest::of(&archive("greet-kit", "1.1.0-rc.1+build.5")).to_string();
    for wrong in [&other, &"0".repeat(64), &other[1..], "latest", "%ff"] {
        site.get(&format!("{PATH}/{wrong}")).await.assert_error(404, "not_found");
        let head = site.send(request(Method::HEAD, &format!("{PATH}/{wrong}"), &[], "")).await;
        assert_eq!(head.status, 404, "{wrong}");
    }
    site.get(&format!("/api/v1/packages/greet-kit/9.9.9/download/{other}"))
        .await
        .assert_error(404, "version_not_found");
}

#[tokio::test]
async fn a_download_counts_where_it_is_redirected_and_not_where_it_is_fetched() {
    let site = site().await;
    let path = location(&site.get(PATH).await).to_owned();
    assert_eq!(counted(&site).await, 1);
    // A part is downloaded from the CDN too, and the registry does not know where it begins.
    site.get_with(PATH, &[("range", "bytes=10-19")]).await;
    assert_eq!(counted(&site).await, 2);
    // None of these is counted.
    site.head(PATH).await;
    site.get_with(PATH, &[("range", "bytes=999999-")]).await;
    for _ in 0..3 {
        site.get(&path).await;
        site.get_with(&path, &[("range", "bytes=0-9")]).await;
    }
    assert_eq!(counted(&site).await, 2);
}

#[tokio::test]
async fn the_registry_itself_reads_archives_from_its_store() {
    let site = site().await;
    let file = site.get("/api/v1/packages/greet-kit/1.0.0/files/skills/one/SKILL.md").await;
    assert_eq!(file.status, 200);
    let diff = site.get("/api/v1/packages/greet-kit/diff?from=1.0.0&to=1.1.0-rc.1%2Bbuild.5").await;
    assert_eq!(diff.status, 200);
}

/// What is private is fetched by a CDN that sends its secret, and by nobody else; what is withheld by nobody.
#[tokio::test]
async fn a_cdn_fetches_what_is_private_by_its_secret_alone() {
    let site = Site::with(World::new(), "", |builder| builder.cdn_secret("the secret of the CDN"));
    let ada = site.world.admin("ada").await;
    let (kit, number) = (name("@ada/kit"), version("1.0.0"));
    let bytes = archive_with("@ada/kit", "1.0.0", "private: true\n");
    site.world.publish(&ada, bytes.clone()).await.expect("published");
    let path = format!("/api/v1/packages/@ada/kit/1.0.0/download/{}", Sha256Digest::of(&bytes));
    let ask = async |secret: &str| site.get_with(&path, &[("x-cdn-secret", secret)]).await;
    let fetched = ask("the secret of the CDN").await;
    assert_eq!((fetched.status.as_u16(), &fetched.body[..]), (200, &bytes[..]));
    assert_eq!(ask("another").await.status, 404);
    assert_eq!(site.get(&path).await.status, 404);
    let other = format!("/api/v1/packages/@ada/kit/1.0.0/download/{}", "0".repeat(64));
    assert_eq!(site.get_with(&other, &[("x-cdn-secret", "the secret of the CDN")]).await.status, 404);
    let registry = &site.world.registry;
    registry.quarantine(&ada, &kit, &number, ModerationCategory::Malware, "it phones home").await.expect("quarantined");
    assert_eq!(ask("the secret of the CDN").await.status, 404);
}
