//! Downloads: headers, ranges, conditions, counting.

use aam_registry_core::{registry::Policy, types::Sha256Digest};
use http::Method;

use super::site::{Site, request};
use crate::registry::world::{World, archive};

/// The headers of a request.
type Headers<'a> = &'a [(&'a str, &'a str)];

const PATH: &str = "/api/v1/packages/greet-kit/1.0.0/download";

#[tokio::test]
async fn an_archive_comes_with_every_header() {
    let (site, _) = Site::published().await;
    let reply = site.get(PATH).await;
    let bytes = archive("greet-kit", "1.0.0");
    assert_eq!(reply.body, bytes);
    let sha256 = aam_registry_core::types::Sha256Digest::of(&bytes);
    let wanted = [
        ("content-type", "application/gzip".to_owned()),
        ("content-length", bytes.len().to_string()),
        ("content-disposition", "attachment; filename=\"greet-kit-1.0.0.aam\"".to_owned()),
        ("x-checksum-sha256", sha256.to_string()),
        ("repr-digest", format!("sha-256=:{}:", sha256.to_base64())),
        ("etag", format!("\"{sha256}\"")),
        ("accept-ranges", "bytes".to_owned()),
        ("cache-control", "public, max-age=31536000, immutable".to_owned()),
    ];
    for (name, value) in wanted {
        assert_eq!(reply.header(name), value, "{name}");
    }
    assert_eq!(reply.header_if_any("content-encoding"), None);
    let head = site.head(PATH).await;
    assert!(head.body.is_empty());
    for (name, value) in &reply.headers {
        if name != "x-request-id" {
            assert_eq!(head.headers.get(name), Some(value), "{name}");
        }
    }
}

#[tokio::test]
async fn archives_are_never_compressed() {
    let (site, _) = Site::published().await;
    let reply = site.get_with(PATH, &[("accept-encoding", "gzip, br, zstd")]).await;
    assert_eq!(reply.header_if_any("content-encoding"), None);
    assert_eq!(reply.header("content-length"), reply.body.len().to_string());
}

#[tokio::test]
async fn ranges_and_conditions_follow_the_rfc() {
    let (site, _) = Site::published().await;
    let whole = site.get(PATH).await;
    let (bytes, etag) = (whole.body.clone(), whole.header("etag").to_owned());
    let len = bytes.len();
    let weak = format!("W/{etag}");
    let list = format!("\"other\", {etag}");
    let past = format!("bytes={len}-");
    let table: &[(Headers<'_>, u16, Option<String>, &[u8])] = &[
        (&[("range", "bytes=0-9")], 206, Some(format!("bytes 0-9/{len}")), &bytes[..10]),
        (&[("range", "bytes=10-")], 206, Some(format!("bytes 10-{}/{len}", len - 1)), &bytes[10..]),
        (&[("range", "bytes=-5")], 206, Some(format!("bytes {}-{}/{len}", len - 5, len - 1)), &bytes[len - 5..]),
        (&[("range", "bytes=0-0,5-6")], 200, None, &bytes),
        (&[("range", "bytes=9-3")], 200, None, &bytes),
        (&[("range", "lines=1-2")], 200, None, &bytes),
        (&[("range", "bytes=0-9"), ("if-range", &etag)], 206, Some(format!("bytes 0-9/{len}")), &bytes[..10]),
        (&[("range", "bytes=0-9"), ("if-range", &weak)], 200, None, &bytes),
        (&[("range", "bytes=0-9"), ("if-range", "\"other\"")], 200, None, &bytes),
        (&[("range", &past), ("if-range", "\"other\"")], 200, None, &bytes),
        (&[("if-none-match", &etag)], 304, None, b""),
        (&[("if-none-match", &weak)], 304, None, b""),
        (&[("if-none-match", &list)], 304, None, b""),
        (&[("if-none-match", "*")], 304, None, b""),
        (&[("if-none-match", &etag), ("range", "bytes=0-9")], 304, None, b""),
        (&[("if-none-match", "\"other\"")], 200, None, &bytes),
    ];
    for (headers, status, content_range, body) in table {
        let reply = site.get_with(PATH, headers).await;
        assert_eq!(reply.status.as_u16(), *status, "{headers:?}");
        assert_eq!(reply.header_if_any("content-range"), content_range.as_deref(), "{headers:?}");
        assert!(reply.body == *body, "{headers:?}");
        assert_eq!(reply.header("etag"), etag, "{headers:?}");
        let head = site.send(request(Method::HEAD, PATH, headers, "")).await;
        assert_eq!(head.status.as_u16(), *status, "HEAD {headers:?}");
        assert_eq!(head.headers.get("content-length"), reply.headers.get("content-length"), "HEAD {headers:?}");
    }
    let unsatisfiable = site.get_with(PATH, &[("range", &past)]).await;
    unsatisfiable.assert_error(416, "range_not_satisfiable");
    assert_eq!(unsatisfiable.header("content-range"), format!("bytes */{len}"));
}

#[tokio::test]
async fn a_download_counts_once() {
    let (site, _) = Site::published().await;
    let etag = site.get(PATH).await.header("etag").to_owned();
    site.get_with(PATH, &[("range", "bytes=0-9")]).await;
    // None of these is counted.
    site.head(PATH).await;
    site.get_with(PATH, &[("range", "bytes=10-19")]).await;
    site.get_with(PATH, &[("range", "bytes=999999-")]).await;
    site.get_with(PATH, &[("if-none-match", &etag)]).await;
    site.world.registry.flush_downloads().await.expect("flushed");
    let told = site.get("/api/v1/packages/greet-kit/downloads?from=2026-01-01&to=2026-03-01").await;
    assert_eq!(told.json()["total"], 2);
}

#[tokio::test]
async fn the_audit_log_has_every_read_of_an_archive_where_it_is_to() {
    let site = Site::of(World::with_policy(Policy::default().with_logged_reads(true)));
    let token = site.user("ada").await;
    site.publish(&token, "greet-kit", "1.0.0").await;
    let sha256 = Sha256Digest::of(&archive("greet-kit", "1.0.0"));
    let bearer = format!("Bearer {token}");
    let ada: Headers<'_> = &[("authorization", &bearer)];
    site.get(PATH).await;
    site.get_with(PATH, ada).await;
    // Neither a part nor what is asked for by its digest counts as a download, and both are reads.
    site.get_with(PATH, &[("range", "bytes=1-"), ada[0]]).await;
    assert_eq!(site.get(&format!("{PATH}/{sha256}")).await.status, 200);
    site.head(PATH).await;
    site.world.registry.log_reads().await.expect("logged");
    let told = site.get_with("/api/v1/packages/greet-kit/audit-log", ada).await.json();
    let entries = told["entries"].as_array().expect("a list");
    let read = entries.iter().filter(|entry| entry["event"] == "package.download");
    let mut read: Vec<_> = read.map(|entry| (entry["actor"].as_str(), &entry["metadata"]["count"])).collect();
    read.sort_by_key(|(actor, _)| *actor);
    assert_eq!(read, [(None, &2.into()), (Some("ada"), &2.into())], "{told}");
    let told = site.get("/api/v1/packages/greet-kit/downloads?from=2026-01-01&to=2026-03-01").await;
    assert_eq!(told.json()["total"], 2);
}

#[tokio::test]
async fn yanked_versions_stay_downloadable() {
    let (site, token) = Site::published().await;
    let reply = site.act(Method::DELETE, "/api/v1/packages/greet-kit/1.0.0", &token).await;
    assert_eq!(reply.status, 200);
    assert_eq!(site.get(PATH).await.status, 200);
}

/// The number of counted downloads equals the number of downloads that clients received.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_download_counts_once_under_load() {
    let (site, token) = Site::published().await;
    site.publish(&token, "greet-kit", "1.1.0").await;
    let site = std::sync::Arc::new(site);
    let clients = (0..8).map(|client| {
        let site = std::sync::Arc::clone(&site);
        tokio::spawn(async move {
            let mut got = 0;
            for round in 0..200 {
                let path = PATH.replace("1.0.0", if round % 3 == 0 { "1.1.0" } else { "1.0.0" });
                let (method, headers): (_, Headers<'_>) = match (client + round) % 5 {
                    0 => (Method::HEAD, &[]),
                    1 => (Method::GET, &[("range", "bytes=5-9")]),
                    2 => (Method::GET, &[("range", "bytes=0-9")]),
                    3 => (Method::GET, &[("if-none-match", "*")]),
                    _ => (Method::GET, &[]),
                };
                let reply = site.send(request(method.clone(), &path, headers, "")).await;
                let from_start = reply.header_if_any("content-range").is_none_or(|range| range.starts_with("bytes 0-"));
                got += u64::from(method == Method::GET && matches!(reply.status.as_u16(), 200 | 206) && from_start);
                if round % 50 == 0 {
                    site.world.registry.flush_downloads().await.expect("flushed");
                }
            }
            got
        })
    });
    let mut got = 0;
    for client in clients.collect::<Vec<_>>() {
        got += client.await.expect("no panic");
    }
    site.world.registry.flush_downloads().await.expect("flushed");
    site.world.registry.refresh_totals().await.expect("refreshed");
    assert_eq!(site.world.registry.totals().await.expect("totals").downloads, got);
}
