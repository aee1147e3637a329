//! Object stores and Redis that cannot be used. The server serves without them.

use aam_registry_tests::{S3Server, Settings, Stopped};
use insta::assert_snapshot;

use super::line;

/// The settings of a server with archives in that store.
fn on(endpoint: &str) -> Settings {
    Settings::default()
        .with("STORAGE_BACKEND", "s3")
        .with("S3_BUCKET", S3Server::BUCKET)
        .with("S3_ENDPOINT_URL", endpoint)
        .with("AWS_ACCESS_KEY_ID", S3Server::ACCESS_KEY)
        .with("AWS_SECRET_ACCESS_KEY", S3Server::SECRET_KEY)
}

async fn told(settings: Settings) -> String {
    let server = Stopped::new(settings).start().await;
    let told = line(&server, "storage_unusable").await;
    server.anonymous().get("/api/v1/packages").await.expect_status(200);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_missing() {
    let s3 = S3Server::start().await;
    assert_snapshot!(told(on(&s3.endpoint()).with("S3_BUCKET", "nowhere")).await, @r#"error: archives can be neither stored nor read: the bucket does not exist: ConfigInvalid: S3Error { code: "NoSuchBucket", message: "", resource: "", request_id: "" }; create the bucket, or set S3_BUCKET and S3_REGION right"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_forbidden() {
    let s3 = S3Server::start().await;
    assert_snapshot!(told(on(&s3.endpoint()).with("AWS_SECRET_ACCESS_KEY", "another-secret-key")).await, @r#"error: archives can be neither stored nor read: permission denied: PermissionDenied: S3Error { code: "SignatureDoesNotMatch", message: "", resource: "", request_id: "" }; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY right, let them read, write, list and delete in the bucket, and see that this machine's clock is right"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer() {
    assert_snapshot!(told(on("http://127.0.0.1:1")).await, @r"error: archives can be neither stored nor read: Unexpected: send http request: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111); start the store, or set S3_ENDPOINT_URL and S3_REGION right");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_refuses_connections() {
    let server = Stopped::new(Settings::default().with("REDIS_URL", "redis://127.0.0.1:1")).start().await;
    assert_snapshot!(line(&server, "redis_failed").await, @r"warn: redis cannot be used, and the registry goes on without it until it can: start it, or set the address in its URL right");
    server.anonymous().get("/api/v1/packages").await.expect_status(200);
}
