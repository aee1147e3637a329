//! Traces of requests, taken by an OTLP receiver of the test.

mod receiver;

use aam_registry_tests::{Answer, Package, Server, Settings, Stopped, eventually};
use http::{Method, StatusCode};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use serde_json::Value;

use receiver::{Receiver, attribute, hex};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Reads a path within the trace of the caller.
async fn get(server: &Server, path: &str) -> Answer {
    let request = server.anonymous().request(Method::GET, path);
    Answer::of(request.header("traceparent", format!("00-{TRACE}-{CALLER}-01"))).await
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not in {names:?}"))
}

/// The lines of the log about requests.
fn requests(log: &str) -> Vec<Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == "request").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_traced_from_the_caller_to_the_database() {
    let receiver = Receiver::start(StatusCode::OK).await;
    let settings = Settings::default()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())
        .with("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret")
        .with("OTEL_SERVICE_NAME", "our-registry");
    let server = Server::start_on(settings).await;
    let answer = get(&server, "/api/v1/packages/nowhere").await.expect_status(404);
    let spans = receiver.trace(TRACE, &["GET /api/v1/packages/{package}", "getPackage"]).await;

    let request = named(&spans, "GET /api/v1/packages/{package}");
    assert_eq!(hex(&request.parent_span_id), CALLER);
    assert_eq!(request.kind(), SpanKind::Server);
    let told = |name| attribute(&request.attributes, name);
    assert_eq!(told("http.response.status_code"), "404");
    assert_eq!(told("http.route"), "/api/v1/packages/{package}");
    assert_eq!(told("request_id"), answer.header("x-request-id"));
    let use_case = named(&spans, "getPackage");
    assert_eq!(use_case.parent_span_id, request.span_id);
    let database: Vec<_> =
        spans.iter().filter(|span| attribute(&span.attributes, "db.system.name") == "sqlite").collect();
    assert!(!database.is_empty(), "{spans:#?}");
    assert!(database.iter().all(|span| span.parent_span_id == use_case.span_id && span.kind() == SpanKind::Client));

    assert!(receiver.spans().iter().all(|(service, _)| service == "our-registry"));
    let (_, headers, _) = receiver.requests().remove(0);
    assert_eq!(headers["authorization"], "Bearer secret");
    let lines = requests(&server.log());
    let line = lines.iter().find(|line| line["request_id"] == answer.header("x-request-id")).expect("logged");
    assert_eq!(line["trace_id"], TRACE, "the log line names the trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_traced_is_configured() {
    let receiver = Receiver::start(StatusCode::OK).await;
    let collector = receiver.url();
    let with = |sampler: &'static str, share: &'static str| {
        let settings = Settings::default().with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector);
        settings.with("OTEL_TRACES_SAMPLER", sampler).with("OTEL_TRACES_SAMPLER_ARG", share)
    };
    for (sampler, share, follows) in
        [("parentbased_always_off", "1", true), ("traceidratio", "0", false), ("parentbased_traceidratio", "0", true)]
    {
        let server = Stopped::new(with(sampler, share)).start().await;
        server.anonymous().get("/api/v1/packages").await.expect_status(200);
        get(&server, "/api/v1/limits").await.expect_status(200);
        // What waits is sent at the end.
        server.terminate().await;
        let names: Vec<_> = receiver.spans().into_iter().map(|(_, span)| span.name).collect();
        assert_eq!(names.contains(&"GET /api/v1/limits".to_owned()), follows, "{sampler}: {names:?}");
        assert!(!names.contains(&"GET /api/v1/packages".to_owned()), "{sampler}: {names:?}");
        receiver.forget();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_nothing_is_traced() {
    let server = Server::start().await;
    get(&server, "/api/v1/packages").await.expect_status(200);
    let (stopped, _) = server.terminate().await;
    assert!(!stopped.log().contains("trace_id"), "{}", stopped.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_takes_nothing_is_told_once_and_stops_nobody() {
    let receiver = Receiver::start(StatusCode::UNAUTHORIZED).await;
    let server = Server::start_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url())]).await;
    for _ in 0..3 {
        get(&server, "/api/v1/packages").await.expect_status(200);
        let before = receiver.requests().len();
        eventually("another batch", async || (receiver.requests().len() > before).then_some(())).await;
    }
    let log = server.log();
    assert_eq!(log.matches("traces_not_sent").count(), 1, "{log}");
    assert!(log.contains("the collector answered 401"), "{log}");
}

/// The store is the receiver, which refuses everything.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_calls_is_told_the_trace() {
    let (collector, store) = tokio::join!(Receiver::start(StatusCode::OK), Receiver::start(StatusCode::FORBIDDEN));
    let settings = Settings::default()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .with("STORAGE_BACKEND", "s3")
        .with("S3_BUCKET", "archives")
        .with("S3_ENDPOINT_URL", store.url())
        .with("AWS_ACCESS_KEY_ID", "key")
        .with("AWS_SECRET_ACCESS_KEY", "secret");
    let server = Stopped::new(settings).start().await;
    get(&server, "/health/storage").await.expect_status(503);
    let traced = |headers: &http::HeaderMap| {
        headers.get("traceparent").and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(TRACE))
    };
    assert!(store.requests().iter().any(|(_, headers, _)| traced(headers)));
    let spans = collector.trace(TRACE, &["GET /health/storage", "storage check"]).await;
    assert_eq!(named(&spans, "GET /health/storage").status.as_ref().map(|status| status.code), Some(2));
}

#[cfg(feature = "service-tests")]
#[tokio::test(flavor = "multi_thread")]
async fn a_publish_is_traced_to_sql_redis_and_the_object_store() {
    let receiver = Receiver::start(StatusCode::OK).await;
    let stores = aam_registry_tests::Stores::start().await;
    let settings =
        stores.settings().with("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url()).with("RATE_LIMIT_PUBLISH", "100");
    let server = Server::start_on(settings).await;
    let alice = server.user("alice").await;
    alice.publish(&Package::new("traced", "1.0.0").aam(), &[]).await.expect_status(201);
    let (spans, _) = eventually("the publish", async || {
        let spans = receiver.spans();
        let publish = spans.iter().find(|(_, span)| span.name == "POST /api/v1/packages")?.1.trace_id.clone();
        let of_it: Vec<_> = spans.into_iter().map(|(_, span)| span).filter(|span| span.trace_id == publish).collect();
        of_it.iter().any(|span| span.name == "storage finish").then_some(of_it)
    })
    .await;
    named(&spans, "publishPackage");
    let sql = spans.iter().find(|span| attribute(&span.attributes, "db.query.text").contains("INSERT INTO"));
    let sql = sql.unwrap_or_else(|| panic!("{spans:#?}"));
    let call = spans.iter().find(|span| span.span_id == sql.parent_span_id).expect("the call of the store");
    assert_eq!(attribute(&call.attributes, "db.system.name"), "postgresql");
    let redis = spans.iter().filter(|span| attribute(&span.attributes, "db.system.name") == "redis");
    assert!(redis.count() > 0, "{spans:#?}");
}
