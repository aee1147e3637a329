//! Private packages on several servers.

use aam_registry_tests::{Package, eventually, report};
use serde_json::json;

use super::Replicas;

/// What each server has kept of a package in every way is gone once it is private, wherever that was decided.
#[tokio::test]
async fn a_package_turns_private_on_every_server() {
    let replicas = Replicas::start().await;
    let (ada, anonymous) = (replicas.user("ada").await, replicas.anonymous());
    ada[0].publish(&Package::new("@ada/kit", "1.0.0").aam(), &[]).await.expect_status(201);
    let reads = ["", "/versions", "/tags", "/owners", "/1.0.0", "/1.0.0/files", "/1.0.0/download", "/resolve"];
    let paths = reads.map(|path| format!("/api/v1/packages/@ada/kit{path}"));
    for visibility in ["private", "public", "private"] {
        for api in &anonymous {
            for path in &paths {
                let is_there = async || (api.get(path).await.status == 200).then_some(());
                if visibility == "private" {
                    eventually(format!("{path} is there"), is_there).await;
                    api.get(path).await.expect_status(200);
                }
            }
        }
        let path = "/api/v1/packages/@ada/kit/visibility";
        ada[1].put(path, &json!({"visibility": visibility})).await.expect_status(200);
        let status = if visibility == "private" { 404 } else { 200 };
        for api in &anonymous {
            for path in &paths {
                let as_wanted = async || (api.get(path).await.status == status).then_some(());
                let ((), took) = eventually(format!("{path} is {visibility}"), as_wanted).await;
                report(format!("{visibility} {path} after {} ms", took.as_millis()));
            }
            let total = async || {
                let total = u64::from(visibility == "public");
                (api.get("/api/v1/packages?scope=ada").await.json()["total"] == total).then_some(())
            };
            eventually(format!("searches know that it is {visibility}"), total).await;
        }
        for api in &ada {
            for path in &paths {
                api.get(path).await.expect_status(200);
            }
        }
    }
}
