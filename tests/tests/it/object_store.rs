//! A server that stores its archives in a bucket.

use std::time::{Duration, Instant};

use aam_registry_tests::{Answer, Api, Package, S3Server, Server, Settings};
use rand::RngExt;

const PATH: &str = "/api/v1/packages/kit/1.0.0/download";

async fn on(bucket: &S3Server, more: &[(&str, &str)]) -> Server {
    let endpoint = bucket.endpoint();
    let settings = Settings::default()
        .with("STORAGE_BACKEND", "minio")
        .with("MINIO_ENDPOINT", endpoint)
        .with("MINIO_ACCESS_KEY", S3Server::ACCESS_KEY)
        .with("MINIO_SECRET_KEY", S3Server::SECRET_KEY)
        .with("S3_BUCKET", S3Server::BUCKET);
    Server::start_on(settings.and(more)).await
}

/// Publishes a package that is uploaded in several parts; returns its bytes.
async fn publish(ada: &Api) -> Vec<u8> {
    let mut noise = vec![0; 20 * 1024 * 1024];
    rand::rng().fill(&mut noise[..]);
    let aam = Package::new("kit", "1.0.0").file("noise.bin", noise).aam();
    ada.publish(&aam, &[]).await.expect_status(201);
    aam
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_lie_in_the_bucket_and_outlive_the_server() {
    let bucket = S3Server::start().await;
    let server = on(&bucket, &[]).await;
    server.anonymous().get("/health/storage").await.expect_status(200);
    let aam = publish(&server.user("ada").await).await;
    assert!(!server.data_dir().join("packages").exists(), "nothing lies in a folder beside it");
    assert!(bucket.bucket().join("archives").is_dir());
    let server = server.kill().start().await;
    assert!(server.anonymous().get(PATH).await.expect_status(200).body == aam);
    let part = server.anonymous().request(reqwest::Method::GET, PATH).header("range", "bytes=9000000-9000099");
    let part = Answer::of(part).await.expect_status(206);
    assert!(part.body == aam[9_000_000..9_000_100]);
}

/// How many cache hits a tier has had since the server started.
async fn hits(server: &Server, tier: &str) -> u64 {
    let answer = server.anonymous().get("/metrics").await.expect_status(200);
    let text = String::from_utf8(answer.body).expect("text");
    let is_it = |line: &&str| {
        line.starts_with("aam_cache_requests_total{")
            && line.contains(&format!("tier=\"{tier}\""))
            && line.contains("result=\"hit\"")
    };
    let line = text.lines().find(is_it);
    line.and_then(|line| line.rsplit(' ').next()).map_or(0, |count| count.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_fetched_from_its_bucket_once_also_across_a_restart() {
    let bucket = S3Server::start().await;
    let server = on(&bucket, &[]).await;
    let aam = publish(&server.user("ada").await).await;
    for _ in 0..3 {
        assert!(server.anonymous().get(PATH).await.expect_status(200).body == aam);
    }
    assert_eq!(hits(&server, "store").await, 1);
    assert!(hits(&server, "disk").await >= 1);
    let server = server.kill().start().await;
    for _ in 0..2 {
        assert!(server.anonymous().get(PATH).await.expect_status(200).body == aam);
    }
    assert_eq!(hits(&server, "store").await, 0, "it lay on the disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_bucket_the_registry_still_tells_what_there_is() {
    let bucket = S3Server::start().await;
    let server = on(&bucket, &[]).await;
    let ada = server.user("ada").await;
    publish(&ada).await;
    drop(bucket);
    // Connections end when their tasks run next.
    let until = Instant::now() + Duration::from_mins(1);
    while server.anonymous().get("/health/storage").await.status == 200 {
        assert!(Instant::now() < until, "the bucket goes on");
        tokio::task::yield_now().await;
    }
    let gone = server.anonymous().get(PATH).await.expect_status(503);
    assert_eq!(gone.json()["error"], "storage_unavailable");
    let refused = ada.publish(&Package::new("kit", "1.1.0").aam(), &[]).await.expect_status(503);
    assert_eq!(refused.json()["error"], "storage_unavailable");
    let package = server.anonymous().get("/api/v1/packages/kit").await.expect_status(200);
    assert_eq!(package.json()["latest_version"], "1.0.0", "what was not stored was not published");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_sent_to_the_bucket_where_that_is_asked_for() {
    let bucket = S3Server::start().await;
    let public = format!("http://localhost:{}", bucket.address().port());
    let settings = [("DOWNLOAD_REDIRECT", "presigned"), ("S3_PUBLIC_ENDPOINT_URL", public.as_str())];
    let server = on(&bucket, &settings).await;
    let aam = publish(&server.user("ada").await).await;
    let sent = server.anonymous().get(PATH).await.expect_status(302);
    let link = sent.header("location").strip_prefix(&public).expect("where clients reach it").to_owned();
    let fetched = server.anonymous().at(&public).get(&link).await.expect_status(200);
    assert!(fetched.body == aam);
    assert_eq!(fetched.header("content-disposition"), "attachment; filename=\"kit-1.0.0.aam\"");
}

/// How many seconds a presigned link is valid.
fn lifetime(link: &str) -> u64 {
    let seconds = link.split(['?', '&']).find_map(|part| part.strip_prefix("X-Amz-Expires="));
    seconds.unwrap_or_else(|| panic!("no lifetime in {link}")).parse().expect("a number")
}

/// A link admits everybody who has it, so only who may read gets one, it ends soon, and nothing on the way keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn presigned_links_are_for_those_who_may_read() {
    let bucket = S3Server::start().await;
    let server = on(&bucket, &[("READ_ACCESS", "authenticated"), ("DOWNLOAD_REDIRECT", "presigned")]).await;
    let ada = server.user("ada").await;
    let aam = publish(&ada).await;
    let new = serde_json::json!({"name": "ci", "scopes": ["read"]});
    let token = ada.post("/api/v1/users/tokens", &new).await.expect_status(201).json();
    let anonymous = server.anonymous();
    let reader = anonymous.with_token(token["token"].as_str().expect("a token"));
    let store = reqwest::Client::builder().no_proxy().build().expect("a client");
    let refused = anonymous.get(PATH).await.expect_status(401);
    assert!(!refused.headers.contains_key("location"), "{:?}", refused.headers);
    let redirect = reader.get(PATH).await.expect_status(302);
    assert!(redirect.header("cache-control").starts_with("private"), "{:?}", redirect.headers);
    let link = redirect.header("location").to_owned();
    assert!(lifetime(&link) <= 300, "{link}");
    let downloaded = Answer::of(store.get(&link)).await.expect_status(200);
    assert!(downloaded.body == aam);
    // Without its signature the store gives nothing.
    let unsigned = Answer::of(store.get(link.split('?').next().expect("an address"))).await;
    assert_eq!(unsigned.status, 403);
    let id = token["id"].as_str().expect("an id");
    ada.delete(&format!("/api/v1/users/tokens/{id}")).await.expect_status(204);
    reader.get(PATH).await.expect_status(401);
}
