//! A package whose row another session keeps locked.

use std::time::Duration;

use aam_registry_tests::{Package, Stores, replicas};
use futures_util::future::join_all;
use serde_json::json;

use super::{count, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_package_holds_up_nobody_else() {
    let stores = Stores::start().await;
    let [server] = replicas::<1>(&stores.settings()).await;
    let ada = server.user("ada").await;
    ada.publish(&Package::new("kit", "1.0.0").aam(), &[]).await.expect_status(201);
    let admin = stores.database.client().await;
    admin.batch_execute("BEGIN; SELECT FROM packages WHERE name = 'kit' FOR UPDATE").await.expect("lock");
    let waiting: Vec<_> = (0..30)
        .map(|at| {
            let ada = ada.clone();
            let path = format!("/api/v1/packages/kit/tags/tag-{at}");
            tokio::spawn(async move { ada.put(&path, &json!({"version": "1.0.0"})).await })
        })
        .collect();
    let watcher = stores.database.client().await;
    let waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let who_waits = async {
        while watcher.query(waits, &[]).await.expect("read").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), who_waits).await.expect("somebody waits for the package");

    let anonymous = server.anonymous();
    anonymous.get("/health/db").await.expect_status(200);
    anonymous.get("/api/v1/packages?q=kit").await.expect_status(200);
    server.user("bob").await;
    ada.publish(&Package::new("other-kit", "1.0.0").aam(), &[]).await.expect_status(201);
    ada.get("/api/v1/users/me").await.expect_status(200);

    admin.batch_execute("ROLLBACK").await.expect("unlock");
    let answers: Vec<_> = join_all(waiting).await.into_iter().map(|answer| answer.expect("a task")).collect();
    let refused = count(&answers, 503);
    assert_eq!(answers.iter().filter(|answer| answer.status < 300).count() + refused, 30, "{:?}", told(&answers));
    for answer in answers.iter().filter(|answer| answer.status == 503) {
        assert_eq!(answer.json()["error"], "overloaded");
        assert!(answer.json()["message"].as_str().is_some_and(|text| text.contains("Package kit is being changed")));
    }
    ada.put("/api/v1/packages/kit/tags/free", &json!({"version": "1.0.0"})).await.expect_status(200);
}
