//! Webhooks, sent to receivers on this machine.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use aam_registry_backends::{
    outgoing::{AllowedNetworks, NameResolver, Outgoing},
    webhook::HttpWebhooks,
};
use aam_registry_core::{
    ports::{Clock, SystemClock, WebhookAnswer, WebhookMessage, WebhookSender},
    types::{WebhookSecret, WebhookUrl},
};
use async_trait::async_trait;
use axum::{Router, body::Bytes, http::HeaderMap, response::IntoResponse, routing::post};
use tokio::net::TcpListener;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"type":"package.publish","data":{"name":"é"}}"#;

type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver that notes what it gets and answers with `answer`.
async fn receiver<A: IntoResponse + Clone + Send + Sync + 'static>(answer: A) -> (SocketAddr, Received) {
    receiver_at("127.0.0.1:0", answer).await
}

async fn receiver_at<A: IntoResponse + Clone + Send + Sync + 'static>(at: &str, answer: A) -> (SocketAddr, Received) {
    let received = Received::default();
    let noted = Arc::clone(&received);
    let app = Router::new().route(
        "/{*path}",
        post(async move |headers: HeaderMap, body: Bytes| {
            noted.lock().expect("not poisoned").push((headers, body));
            answer
        }),
    );
    let listener = TcpListener::bind(at).await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, received)
}

async fn send(sender: &HttpWebhooks, url: &str) -> Result<WebhookAnswer, String> {
    let url = WebhookUrl::parse(url).expect("an address");
    let secret = WebhookSecret::parse(SECRET).expect("a secret");
    let sent_at = SystemClock.now();
    sender.send(&WebhookMessage { url: &url, secret: &secret, id: "0190-id", sent_at, body: BODY }).await
}

fn local() -> HttpWebhooks {
    let loopback = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network"));
    sender(AllowedNetworks::new(loopback))
}

fn sender(allowed: AllowedNetworks) -> HttpWebhooks {
    HttpWebhooks::new(Outgoing::default().client(allowed, HttpWebhooks::TIMEOUT).expect("a client"))
}

fn public() -> HttpWebhooks {
    sender(AllowedNetworks::default())
}

#[tokio::test]
async fn a_message_verifies_by_the_library_of_the_specification() {
    let (address, received) = receiver("thanks").await;
    let answer = send(&local(), &format!("http://{address}/hook")).await;
    assert_eq!(answer, Ok(WebhookAnswer { status: 200, retry_after: None }));
    let (headers, body) = received.lock().expect("not poisoned").remove(0);
    assert_eq!((&body[..], headers["webhook-id"].to_str().ok()), (BODY.as_bytes(), Some("0190-id")));
    assert_eq!(headers["content-type"], "application/json");
    let verifier = standardwebhooks::Webhook::new(SECRET).expect("a secret");
    verifier.verify(&body, &headers).expect("verified");
    verifier.verify(b"{}", &headers).expect_err("another body");
}

#[tokio::test]
async fn an_answer_says_when_to_come_again() {
    let (address, _) = receiver((axum::http::StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "90")])).await;
    let busy = send(&local(), &format!("http://{address}/x")).await;
    assert_eq!(busy, Ok(WebhookAnswer { status: 503, retry_after: Some(Duration::from_secs(90)) }));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (inside, reached) = receiver("secret").await;
    let target = format!("http://{inside}/inside");
    let redirect = (axum::http::StatusCode::TEMPORARY_REDIRECT, [("location", target)]);
    let (address, received) = receiver(redirect).await;
    let answer = send(&local(), &format!("http://{address}/hook")).await;
    assert_eq!(answer.map(|answer| answer.status), Ok(307));
    assert_eq!((received.lock().expect("not poisoned").len(), reached.lock().expect("not poisoned").len()), (1, 0));
}

/// However the address is written, and whether it is one or a name of one.
#[tokio::test]
async fn an_address_inside_is_not_called() {
    let (address, received) = receiver("secret").await;
    let port = address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "LOCALHOST",
        "169.254.169.254",
    ] {
        let refused = send(&public(), &format!("http://{host}:{port}/hook")).await.expect_err(host);
        assert!(refused.contains("may not reach") && refused.contains("WEBHOOK_ALLOW_PRIVATE"), "{host}: {refused}");
    }
    assert_eq!(received.lock().expect("not poisoned").len(), 0);
    let by_name = send(&local(), &format!("http://localhost:{port}/hook")).await;
    assert_eq!(by_name.map(|answer| answer.status), Ok(200), "where the operator allows it");
}

/// Names that have other addresses each time they are looked up.
#[derive(Clone, Debug)]
struct ChangingNames(Arc<Mutex<VecDeque<Vec<IpAddr>>>>);

impl ChangingNames {
    fn new(answers: &[&[&str]]) -> Self {
        let parsed = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().expect("an address")).collect();
        Self(Arc::new(Mutex::new(answers.iter().map(parsed).collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().expect("not poisoned").len()
    }
}

#[async_trait]
impl NameResolver for ChangingNames {
    async fn look_up(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let next = self.0.lock().expect("not poisoned").pop_front();
        next.ok_or_else(|| io::Error::other("looked up once too often"))
    }
}

/// The address that was checked is the one that is connected to: a name is looked up once for a message, and one
/// that leads inside the next time is refused then. 127.0.0.2 stands for an address that everybody can reach.
#[tokio::test]
async fn a_name_that_changes_leads_nowhere_inside() {
    let (outside, received) = receiver_at("127.0.0.2:0", "thanks").await;
    let port = outside.port();
    let (_, reached) = receiver_at(&format!("127.0.0.1:{port}"), "secret").await;
    let names = ChangingNames::new(&[
        &["127.0.0.2"],
        &["127.0.0.1"],
        &["127.0.0.1", "127.0.0.2"],
        &["::ffff:127.0.0.1", "169.254.169.254"],
    ]);
    let allowed = AllowedNetworks::new(["127.0.0.2/32".parse().expect("a network")]);
    let client = Outgoing::default().client_with_resolver(allowed, HttpWebhooks::TIMEOUT, names.clone());
    let sender = HttpWebhooks::new(client.expect("a client"));
    let url = format!("http://rebinding.example:{port}/hook");
    assert_eq!(send(&sender, &url).await.map(|answer| answer.status), Ok(200));
    assert_eq!(names.left(), 3, "looked up once");
    let refused = send(&sender, &url).await.expect_err("it leads inside now");
    assert!(refused.contains("may not reach"), "{refused}");
    assert_eq!(send(&sender, &url).await.map(|answer| answer.status), Ok(200), "the other address is passed over");
    send(&sender, &url).await.expect_err("both lead inside");
    assert_eq!((received.lock().expect("not poisoned").len(), reached.lock().expect("not poisoned").len()), (2, 0));
}

#[tokio::test]
async fn a_reason_shows_no_path() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("bound").local_addr().expect("an address");
    let reason = send(&local(), &format!("http://{closed}/T0KEN")).await.expect_err("nobody listens");
    assert!(!reason.contains("T0KEN"), "{reason}");
}

/// Where the address alone tells, before anything is sent.
#[tokio::test]
async fn an_address_inside_is_refused_before_it_is_called() {
    let refusal = |sender: &HttpWebhooks, url: &str| sender.refusal(&WebhookUrl::parse(url).expect("an address"));
    for host in
        ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:10.0.0.1]", "10.0.0.1", "localhost", "x.localhost"]
    {
        let refused = refusal(&public(), &format!("https://{host}/hook")).expect(host);
        assert!(refused.contains("may not reach") && refused.contains("WEBHOOK_ALLOW_PRIVATE"), "{host}: {refused}");
    }
    assert_eq!(refusal(&local(), "https://127.0.0.1/hook"), None);
    assert_eq!(refusal(&public(), "https://hooks.example.com/hook"), None);
}
