//! Cached documents equal newly made ones.

use std::time::{Duration, Instant};

use aam_registry_core::{
    decorate::CachedMetadata,
    memory::{MemoryChanges, MemoryMetadata},
};
use http::{Method, header};

use super::{
    reply::Reply,
    site::{Site, request},
};
use crate::registry::world::{World, archive_with, name};

const READS: [&str; 4] = [
    "/api/v1/packages/greet-kit",
    "/api/v1/packages/greet-kit/versions",
    "/api/v1/packages/greet-kit/1.0.0",
    "/api/v1/packages/greet-kit/tags",
];

struct Sites {
    keeping: Site,
    /// Another replica, which also caches documents.
    other: Site,
    plain: Site,
    token: String,
}

/// Three sites of one registry, two of which cache documents.
async fn sites() -> Sites {
    let database = MemoryMetadata::new();
    let changes = MemoryChanges::new();
    let cache = || CachedMetadata::builder(database.clone()).announcements(changes.clone()).start();
    let (cached, beside) = (cache(), cache());
    let linked = [cached.freshness(), beside.freshness()];
    until("linked", async || linked.iter().all(|freshness| freshness.mark(&name("greet-kit")).is_some())).await;
    let [of_this, of_other] = linked;
    let world = World::with(|builder, _, _| builder.database(cached));
    let keeping = Site::with(world, "", |builder| builder.freshness(of_this));
    let token = keeping.user("ada").await;
    let by = keeping.principal(&token).await;
    // Long enough that compressing the documents is worthwhile.
    let keywords = (0..20).map(|n| format!("  - keyword-number-{n:0>16}\n")).collect::<Vec<_>>().concat();
    for number in 0..20 {
        let more = format!("keywords:\n{keywords}");
        let archive = archive_with("greet-kit", &format!("1.{number}.0"), &more);
        keeping.world.publish(&by, archive).await.expect("published");
    }
    let (archives, clock) = (keeping.world.archives.clone(), keeping.world.clock.clone());
    let beside = World::with(|builder, _, _| builder.database(beside).archives(archives.clone()).clock(clock.clone()));
    let other = Site::with(beside, "", |builder| builder.freshness(of_other));
    let plain = Site::of(World::with(|builder, _, _| builder.database(database).archives(archives).clock(clock)));
    Sites { keeping, other, plain, token }
}

/// Waits for a condition that holds long before a cached document expires.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::task::yield_now().await;
    }
}

fn told(reply: &Reply) -> Vec<(String, String)> {
    let own = [header::CONTENT_LENGTH.as_str(), "x-request-id"];
    let mut headers: Vec<_> =
        reply.headers.iter().map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect();
    headers.retain(|(name, _)| !own.contains(&name.as_str()));
    headers.sort();
    headers
}

#[tokio::test]
async fn whatever_is_asked_the_answer_is_the_same() {
    let sites = sites().await;
    for path in READS {
        let etag = sites.plain.get(path).await.header("etag").to_owned();
        let gzipped = etag.replace('"', "") + "-gzip";
        let conditions = [
            "*".to_owned(),
            etag.clone(),
            format!("W/{etag}"),
            format!("\"other\", {etag}"),
            format!("\"{gzipped}\""),
            "\"other\"".to_owned(),
        ];
        for coding in [None, Some("gzip"), Some("br"), Some("zstd, gzip;q=0.1"), Some("identity;q=0"), Some("gzip;q=0")]
        {
            for condition in std::iter::once(None).chain(conditions.iter().map(Some)) {
                for method in [Method::GET, Method::HEAD] {
                    let mut headers = Vec::new();
                    headers.extend(coding.map(|coding| ("accept-encoding", coding)));
                    headers.extend(condition.map(|condition| ("if-none-match", condition.as_str())));
                    let plain = sites.plain.send(request(method.clone(), path, &headers, "")).await;
                    // First made, then served from the cache.
                    for _ in 0..2 {
                        let kept = sites.keeping.send(request(method.clone(), path, &headers, "")).await;
                        assert_eq!(kept.status, plain.status, "{method} {path} {headers:?}");
                        assert_eq!(told(&kept), told(&plain), "{method} {path} {headers:?}");
                        assert!(kept.body == plain.body, "{method} {path} {headers:?}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn after_a_change_nobody_reads_what_was_before_it() {
    let sites = sites().await;
    for round in 0..20 {
        let before = sites.keeping.get(READS[2]).await;
        let body = format!("{{\"message\": \"round {round}\"}}");
        let path = format!("{}/deprecation", READS[2]);
        let headers = [("authorization", &*format!("Bearer {}", sites.token)), ("content-type", "application/json")];
        let changed = sites.keeping.send(request(Method::PUT, &path, &headers, body)).await;
        assert_eq!(changed.status, 200);
        for path in READS {
            let (kept, plain) = (sites.keeping.get(path).await, sites.plain.get(path).await);
            assert!(kept.body == plain.body, "{path}");
        }
        assert_ne!(sites.keeping.get(READS[2]).await.header("etag"), before.header("etag"));
    }
}

#[tokio::test]
async fn every_change_is_seen_here_at_once_and_elsewhere_as_soon_as_it_is_told() {
    let sites = sites().await;
    sites.keeping.user("bob").await;
    let package = READS[0];
    let version = READS[2];
    let changes = [
        (Method::DELETE, format!("{version}?reason=broken"), ""),
        (Method::POST, format!("{version}/unyank"), ""),
        (Method::PUT, format!("{version}/deprecation"), "{\"message\": \"old\"}"),
        (Method::DELETE, format!("{version}/deprecation"), ""),
        (Method::PUT, format!("{package}/tags/beta"), "{\"version\": \"1.3.0\"}"),
        (Method::DELETE, format!("{package}/tags/beta"), ""),
        (Method::PUT, format!("{package}/owners/bob"), ""),
        (Method::DELETE, format!("{package}/owners/bob"), ""),
    ];
    let bearer = format!("Bearer {}", sites.token);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    for (method, path, body) in changes {
        for path in READS {
            sites.keeping.get(path).await;
            sites.other.get(path).await;
        }
        let answer = sites.keeping.send(request(method.clone(), &path, &headers, body)).await;
        assert!((200..300).contains(&answer.status.as_u16()), "{method} {path}: {}", answer.status);
        for read in READS {
            let now = sites.plain.get(read).await.body;
            assert!(sites.keeping.get(read).await.body == now, "{read} after {method} {path}");
            let seen = async || sites.other.get(read).await.body == now;
            until(&format!("{read} elsewhere after {method} {path}"), seen).await;
        }
    }
}

#[tokio::test]
async fn what_depends_on_who_asks_or_on_more_than_the_path_is_made_anew() {
    let sites = sites().await;
    for path in READS {
        sites.keeping.get(path).await;
        let bearer = format!("Bearer {}", sites.token);
        let private = sites.keeping.get_with(path, &[("authorization", &bearer)]).await;
        assert_eq!(private.header("cache-control"), "private, max-age=0, must-revalidate");
        assert_eq!(sites.keeping.get_with(path, &[("authorization", "Bearer wrong")]).await.status, 401);
        assert_eq!(sites.keeping.get(&format!("{path}?more=1")).await.status, 200);
        let public = sites.keeping.get(path).await;
        assert_eq!(public.header("cache-control"), "public, max-age=0, must-revalidate");
    }
    let missing = "/api/v1/packages/later-kit";
    assert_eq!(sites.keeping.get(missing).await.status, 404);
    let by = sites.keeping.principal(&sites.token).await;
    sites.keeping.world.published(&by, "later-kit", "1.0.0").await;
    assert_eq!(sites.keeping.get(missing).await.status, 200, "that there was nothing is not kept");
}
