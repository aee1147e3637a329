//! An empty database, and which server migrates its schema.

use aam_registry_tests::{Ran, S3Server, Stopped, postgres::Database, production};
use futures_util::future::join_all;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_waits_for_the_schema() {
    let (database, s3) = tokio::join!(Database::create(), S3Server::start());
    let settings = production(database.url(), &s3.endpoint()).with("AUTO_MIGRATE", "false");
    let mut waiting = Stopped::new(settings.clone()).launch().await;
    let api = waiting.anonymous();
    api.get("/health").await.expect_status(200);
    let refused = api.get("/ready").await.expect_status(503);
    assert_eq!(refused.json()["error"], "overloaded");
    assert!(!refused.header("retry-after").is_empty());
    let read = api.get("/api/v1/packages").await.expect_status(503);
    assert_eq!(read.json()["error"], "database_unavailable");

    let behind = waiting.run(&["migrate", "--check", "--json"]).await.expect_code(1).json();
    assert_eq!(behind["up_to_date"], false);
    let pending = behind["pending"].as_array().expect("a list").clone();
    assert!(!pending.is_empty());
    let text = waiting.run(&["migrate", "--check"]).await.expect_code(1);
    assert!(text.stdout.contains("is behind"), "{}", text.stdout);
    api.get("/ready").await.expect_status(503);

    let applied = waiting.run(&["migrate", "--json"]).await.expect_code(0).json();
    assert_eq!(applied["applied"].as_array(), Some(&pending));
    waiting.ready().await;
    waiting.run(&["migrate", "--check"]).await.expect_code(0);
    let again = waiting.run(&["migrate", "--json"]).await.expect_code(0).json();
    assert_eq!(again["applied"], serde_json::json!([]));
    waiting.user("ada").await.get("/api/v1/users/me").await.expect_status(200);
    assert!(waiting.log().contains("schema_behind"), "the operator is told what it waits for");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_four_who_migrate_at_once_each_step_is_ones() {
    let database = Database::create().await;
    let settings = production(database.url(), "http://127.0.0.1:9");
    let pending = Ran::on(&settings, &["migrate", "--check", "--json"]).await.expect_code(1).json();
    let ran = join_all((0..4).map(|_| Ran::on(&settings, &["migrate", "--json"]))).await;
    let mut applied = Vec::new();
    for ran in ran {
        let answer = ran.expect_code(0).json();
        assert_eq!(answer["up_to_date"], true);
        applied.extend(answer["applied"].as_array().expect("a list").clone());
    }
    assert_eq!(Some(&applied), pending["pending"].as_array());
    Ran::on(&settings, &["migrate", "--check"]).await.expect_code(0);
}
