//! A registry that redirects its clients to the store.

use std::time::Duration;

use aam_registry_backends::opendal::OpendalArchives;
use aam_registry_core::{
    http::{PeerAddr, RegistryBody, RegistryService},
    memory::{InsecurePasswords, MemoryLimiter, MemoryMetadata, MemorySessions},
    ports::ArchiveStore,
    registry::{PublishOptions, Registration, Registry},
    types::Viewer,
};
use aam_registry_tests::{Package, S3Server};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use reqwest::Url;
use tower::ServiceExt;

use super::{Setup, config, hasty, proxy::Fault, store};

/// A version whose text needs escaping in a URL.
const VERSION: &str = "1.0.0-rc.1+build.5";

/// A registry that stores its archives in `archives`, with one package.
async fn registry(archives: OpendalArchives) -> (RegistryService, Registry, Bytes) {
    let registry = Registry::builder()
        .database(MemoryMetadata::new())
        .archives(archives)
        .rate_limiter(MemoryLimiter::unlimited())
        .passwords(InsecurePasswords)
        .sessions(MemorySessions::new())
        .build()
        .expect("every port");
    let password = "tulip-Wagon-93-kelp";
    let account = Registration { username: "ada".into(), email: "ada@example.com".into(), password: password.into() };
    registry.register(account).await.expect("registered");
    let session = registry.login("ada", password.into()).await.expect("logged in");
    let ada = registry.authenticate(&session.access_token).await.expect("ada");
    let aam = Bytes::from(Package::new("@ada/kit", VERSION).file("more.bin", noise()).aam());
    let mut publish = registry.begin_publish(&ada, None).await.expect("begun");
    publish.write(aam.clone()).await.expect("written");
    publish.finish(PublishOptions::default()).await.expect("published");
    let service = RegistryService::builder(registry.clone()).build().expect("a service");
    (service, registry, aam)
}

/// Bytes that do not compress.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..50_000).flat_map(|_| next()).collect()
}

async fn ask(
    service: &RegistryService,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<RegistryBody> {
    let mut request = Request::builder().method(method).uri(path).body(Empty::<Bytes>::new()).expect("a request");
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a name");
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    request.extensions_mut().insert(PeerAddr("192.0.2.1:4711".parse().expect("an address")));
    let Ok(response) = service.clone().oneshot(request).await;
    response
}

fn download() -> String {
    format!("/api/v1/packages/@ada/kit/{VERSION}/download")
}

/// The target of a download's redirect.
async fn location(service: &RegistryService, method: Method, headers: &[(&str, &str)]) -> Url {
    let response = ask(service, method, &download(), headers).await;
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "private, max-age=60");
    response.headers()[header::LOCATION].to_str().expect("ASCII").parse().expect("a URL")
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

#[tokio::test]
async fn a_link_gives_what_the_registry_would() {
    let server = S3Server::start().await;
    let public = format!("http://localhost:{}", server.address().port());
    let config = config(&server.endpoint()).with_public_endpoint(&public);
    let archives = store(config).with_presigned_redirects(Duration::from_mins(5)).expect("links");
    let (service, registry, aam) = registry(archives).await;

    let link = location(&service, Method::GET, &[]).await;
    assert!(link.as_str().starts_with(&public), "{link}");
    let query: Vec<_> = link.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    assert!(query.contains(&"X-Amz-Expires=300".to_owned()), "{query:?}");
    let whole = client().get(link.clone()).send().await.expect("an answer");
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.headers()[header::CONTENT_TYPE], "application/gzip");
    let disposition = format!("attachment; filename=\"kit-{VERSION}.aam\"");
    assert_eq!(whole.headers()[header::CONTENT_DISPOSITION], disposition);
    assert!(whole.bytes().await.expect("whole") == aam);

    let link = location(&service, Method::GET, &[("range", "bytes=10-19")]).await;
    let part = client().get(link).header("range", "bytes=10-19").send().await.expect("an answer");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert!(part.bytes().await.expect("whole") == aam[10..20]);

    let head = client().head(location(&service, Method::HEAD, &[]).await).send().await.expect("an answer");
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()[header::CONTENT_LENGTH], aam.len().to_string());
    assert_eq!(head.headers()[header::CONTENT_DISPOSITION], disposition);

    registry.flush_downloads().await.expect("flushed");
    registry.refresh_totals().await.expect("refreshed");
    assert_eq!(registry.totals().await.expect("totals").downloads, 2, "one for each GET");
}

#[tokio::test]
async fn a_link_is_good_for_nothing_else() {
    let server = S3Server::start().await;
    let archives = store(config(&server.endpoint())).with_presigned_redirects(Duration::from_mins(5)).expect("links");
    let (service, registry, _) = registry(archives.clone()).await;
    let link = location(&service, Method::GET, &[]).await;
    let mut longer = link.clone();
    let pairs: Vec<_> = link.query_pairs().into_owned().collect();
    longer.query_pairs_mut().clear().extend_pairs(
        pairs.iter().map(|(name, value)| (name, if name == "X-Amz-Expires" { "86400" } else { value.as_str() })),
    );
    let mut other = link.clone();
    other.set_path(&format!("/{}/archives/ab/other.aam", S3Server::BUCKET));
    let requests = [
        client().get(longer),
        client().get(other),
        client().head(link.clone()),
        client().put(link.clone()).body("x"),
        client().delete(link),
    ];
    for request in requests {
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_client_error(), "{answer:?}");
    }
    let view = registry.view(&Viewer::Anonymous).expect("everybody may read");
    let version = view.version(&"@ada/kit".parse().expect("a name"), &VERSION.parse().expect("a version")).await;
    let stored = archives.size(&version.expect("a version").archive).await.expect("size");
    assert!(stored.is_some(), "the archive stands");
}

#[tokio::test]
async fn what_the_registry_needs_itself_it_reads_itself() {
    let server = S3Server::start().await;
    let archives = store(config(&server.endpoint())).with_presigned_redirects(Duration::from_mins(5)).expect("links");
    let (service, _, _) = registry(archives).await;
    let file = ask(&service, Method::GET, &format!("/api/v1/packages/@ada/kit/{VERSION}/files/more.bin"), &[]).await;
    assert_eq!(file.status(), StatusCode::OK);
    assert!(file.into_body().collect().await.expect("whole").to_bytes() == noise());
}

#[tokio::test]
async fn without_links_the_registry_sends_the_bytes() {
    let setup = Setup::new().await;
    let (service, _, aam) = registry(setup.store.clone()).await;
    setup.proxy.seen();
    let whole = ask(&service, Method::GET, &download(), &[]).await;
    assert_eq!(whole.status(), StatusCode::OK);
    assert!(whole.into_body().collect().await.expect("whole").to_bytes() == aam);
    let part = ask(&service, Method::GET, &download(), &[("range", "bytes=10-19")]).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert!(part.into_body().collect().await.expect("whole").to_bytes() == aam[10..20]);
    assert_eq!(setup.proxy.seen().len(), 2, "one request of the store for each");
}

#[tokio::test]
async fn no_client_takes_a_broken_archive_for_a_whole_one() {
    let setup = Setup::new().await;
    let (service, _, aam) = registry(setup.store.clone()).await;
    // The store reports fewer bytes than the registry knows: detected before the first byte.
    setup.proxy.plan_always("GET", "", Fault::Shorten(7));
    let answer = ask(&service, Method::GET, &download(), &[]).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    setup.proxy.heal();
    // The connection breaks and is not restored: the body ends with an error.
    setup.proxy.plan(1, "GET", "", Fault::CutBehind(aam.len() / 2));
    setup.proxy.plan_always("GET", "", Fault::CutBehind(0));
    let answer = ask(&service, Method::GET, &download(), &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.into_body().collect().await.expect_err("it never ends well");
    setup.proxy.heal();
    // The archive is missing in the store: an outage, never a 404.
    std::fs::remove_dir_all(setup.server.bucket().join("archives")).expect("removed");
    let answer = ask(&service, Method::GET, &download(), &[]).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn links_need_no_store_in_good_health() {
    let setup = Setup::new().await;
    let config = config(&setup.proxy.endpoint()).with_patience(hasty());
    let archives = store(config).with_presigned_redirects(Duration::from_mins(5)).expect("links");
    let (service, _, _) = registry(archives).await;
    setup.proxy.plan_always("GET", "", Fault::status(503));
    setup.proxy.seen();
    location(&service, Method::GET, &[]).await;
    assert_eq!(setup.proxy.seen(), Vec::<String>::new(), "nothing is asked of it");
}
