//! What the APIs of CDNs are asked, as their documentation has it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aam_registry_backends::{
    cdn::{CloudFront, Cloudflare, Fastly},
    outgoing::{AllowedNetworks, Outgoing, OutgoingClient},
};
use aam_registry_core::{
    ports::{Cdn, JobRetry},
    types::Sha256Digest,
};
use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use tokio::net::TcpListener;

/// A request to the API.
#[derive(Clone, Debug)]
struct Asked {
    method: String,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// An API that answers everything alike and remembers what it was asked.
#[derive(Clone, Debug)]
struct Api {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Api {
    async fn start(status: StatusCode, answer: &'static str, again: Option<&'static str>) -> Self {
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let kept = Arc::clone(&asked);
        let answering = move |request: Request| {
            let kept = Arc::clone(&kept);
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1 << 20).await.expect("a body");
                let path = parts.uri.path_and_query().expect("a path").to_string();
                let asked = Asked { method: parts.method.to_string(), path, headers: parts.headers, body };
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
                let response: Response = match again {
                    Some(seconds) => (status, [("retry-after", seconds)], answer).into_response(),
                    None => (status, answer).into_response(),
                };
                response
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answering)).await });
        Self { at, asked }
    }

    fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn client() -> OutgoingClient {
    let loopback = AllowedNetworks::new(["127.0.0.0/8".parse().expect("a network")]);
    Outgoing::default().client(loopback, Duration::from_secs(10)).expect("a client")
}

fn urls() -> Vec<String> {
    ["/api/v1/packages/@acme/kit", "/api/v1/packages/@acme/kit/1.0.0+b"]
        .map(|path| format!("https://cdn.example.com{path}"))
        .to_vec()
}

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

#[tokio::test]
async fn cloudflare_purges_files_of_a_zone() {
    let api = Api::start(StatusCode::OK, r#"{"success": true}"#, None).await;
    let cdn = Cloudflare::new(client(), "023e105f4ecef8ad9ca31a8372d0c353", secret("purge-token")).with_api(api.url());
    cdn.purge(&urls(), "id").await.expect("purged");
    let [asked]: [Asked; 1] = api.asked().try_into().expect("one request");
    assert_eq!((&*asked.method, &*asked.path), ("POST", "/zones/023e105f4ecef8ad9ca31a8372d0c353/purge_cache"));
    assert_eq!(asked.header("authorization"), "Bearer purge-token");
    assert_eq!(asked.header("content-type"), "application/json");
    let body: serde_json::Value = serde_json::from_slice(&asked.body).expect("JSON");
    assert_eq!(body, serde_json::json!({ "files": urls() }));
}

#[tokio::test]
async fn fastly_purges_one_url_after_the_other() {
    let api = Api::start(StatusCode::OK, r#"{"status": "ok"}"#, None).await;
    let cdn = Fastly::new(client(), secret("purge-token")).with_api(api.url());
    cdn.purge(&urls(), "id").await.expect("purged");
    let asked = api.asked();
    let paths: Vec<_> = asked.iter().map(|asked| (&*asked.method, &*asked.path)).collect();
    assert_eq!(
        paths,
        [
            ("POST", "/purge/cdn.example.com/api/v1/packages/@acme/kit"),
            ("POST", "/purge/cdn.example.com/api/v1/packages/@acme/kit/1.0.0+b"),
        ]
    );
    assert!(asked.iter().all(|asked| asked.header("fastly-key") == "purge-token"));
}

#[tokio::test]
async fn cloudfront_gets_a_signed_invalidation() {
    let api = Api::start(StatusCode::CREATED, "<Invalidation/>", None).await;
    let key = secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let cdn = CloudFront::new(client(), "EDFDVBD6EXAMPLE", "AKIDEXAMPLE", &key).with_api(api.url());
    cdn.purge(&urls(), "job-1").await.expect("purged");
    let [asked]: [Asked; 1] = api.asked().try_into().expect("one request");
    assert_eq!((&*asked.method, &*asked.path), ("POST", "/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation"));
    let authorization = asked.header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/us-east-1/cloudfront/aws4_request"), "{authorization}");
    assert!(authorization.contains("Signature=") && !authorization.contains("wJalr"), "{authorization}");
    assert!(!asked.header("x-amz-date").is_empty());
    // The service takes no unsigned body.
    assert_eq!(asked.header("x-amz-content-sha256"), Sha256Digest::of(&asked.body).to_string());
    assert_eq!(
        String::from_utf8_lossy(&asked.body),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<InvalidationBatch \
         xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><CallerReference>job-1</CallerReference><Paths><Items>\
         <Path>/api/v1/packages/@acme/kit</Path><Path>/api/v1/packages/@acme/kit/1.0.0+b</Path></Items>\
         <Quantity>2</Quantity></Paths></InvalidationBatch>"
    );
}

#[tokio::test]
async fn a_refusal_is_told_without_secrets_and_tried_again() {
    let api = Api::start(StatusCode::FORBIDDEN, r#"{"errors": ["no right"]}"#, None).await;
    let cdn = Cloudflare::new(client(), "zone", secret("purge-token")).with_api(api.url());
    let failure = cdn.purge(&urls(), "id").await.expect_err("refused");
    assert!(failure.message.contains("403") && failure.message.contains("no right"), "{failure:?}");
    assert!(!format!("{failure:?}").contains("purge-token"), "{failure:?}");
    assert!(!format!("{cdn:?}").contains("purge-token"), "{cdn:?}");
    assert_eq!(failure.retry, JobRetry::Backoff);

    let api = Api::start(StatusCode::TOO_MANY_REQUESTS, "", Some("90")).await;
    let cdn = Fastly::new(client(), secret("purge-token")).with_api(api.url());
    let failure = cdn.purge(&urls(), "id").await.expect_err("refused");
    assert_eq!(failure.retry, JobRetry::NotBefore(Duration::from_secs(90)));
}
