use aam_registry_tests::{Api, Package, Server};
use serde_json::json;

use super::transcript::Transcript;

const KIT: &str = "/api/v1/packages/kit";

async fn with_kit() -> (Server, Api) {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    for version in ["1.0.0", "1.1.0", "2.0.0-rc.1"] {
        ada.publish(&Package::new("kit", version).aam(), &[]).await.expect_status(201);
    }
    (server, ada)
}

#[tokio::test]
async fn a_yank_and_its_undoing() {
    let (server, ada) = with_kit().await;
    let bob = server.user("bob").await;
    let mut transcript = Transcript::default();
    transcript.put(&ada, &format!("{KIT}/tags/stable"), &json!({"version": "1.1.0"})).await;
    transcript.delete(&server.anonymous(), &format!("{KIT}/1.1.0")).await;
    transcript.delete(&bob, &format!("{KIT}/1.1.0")).await;
    transcript.delete(&ada, &format!("{KIT}/1.1.0?reason=broken")).await;
    transcript.delete(&ada, &format!("{KIT}/1.1.0?reason=again")).await;
    transcript.delete(&ada, &format!("{KIT}/9.0.0")).await;
    let api = server.anonymous();
    transcript.get(&api, &format!("{KIT}/1.1.0")).await;
    transcript.get(&api, &format!("{KIT}/resolve?spec=%5E1.1")).await;
    transcript.get(&api, &format!("{KIT}/resolve?spec=1.1.0")).await;
    api.get(&format!("{KIT}/1.1.0/download")).await.expect_status(200);
    transcript.publish("a yanked number", &ada, &Package::new("kit", "1.1.0").aam(), &[]).await;
    transcript.put(&ada, &format!("{KIT}/tags/stable"), &json!({"version": "1.1.0"})).await;
    transcript.post(&bob, &format!("{KIT}/1.1.0/unyank"), &json!({})).await;
    transcript.post(&ada, &format!("{KIT}/1.1.0/unyank"), &json!({})).await;
    transcript.get(&api, &format!("{KIT}/tags")).await;
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn latest_follows_the_highest_release() {
    let (server, ada) = with_kit().await;
    let api = server.anonymous();
    let latest = async || api.get(KIT).await.expect_status(200).json()["latest_version"].clone();
    assert_eq!(latest().await, "1.1.0");
    ada.delete(&format!("{KIT}/1.1.0")).await.expect_status(200);
    assert_eq!(latest().await, "1.0.0");
    ada.delete(&format!("{KIT}/1.0.0")).await.expect_status(200);
    assert_eq!(latest().await, "2.0.0-rc.1");
    ada.delete(&format!("{KIT}/2.0.0-rc.1")).await.expect_status(200);
    assert_eq!(latest().await, json!(null));
    assert_eq!(api.get("/api/v1/packages").await.json()["total"], 0);
    ada.post(&format!("{KIT}/1.0.0/unyank"), &json!({})).await.expect_status(200);
    assert_eq!(latest().await, "1.0.0");
}

#[tokio::test]
async fn dist_tags_are_set_listed_and_removed() {
    let (server, ada) = with_kit().await;
    let mut transcript = Transcript::default();
    let tags = format!("{KIT}/tags");
    transcript.get(&server.anonymous(), &tags).await;
    transcript.put(&ada, &format!("{tags}/beta"), &json!({"version": "2.0.0-rc.1"})).await;
    transcript.put(&ada, &format!("{tags}/latest"), &json!({"version": "1.0.0"})).await;
    transcript.put(&ada, &format!("{tags}/beta"), &json!({"version": "9.0.0"})).await;
    transcript.put(&ada, &format!("{tags}/1.0.0"), &json!({"version": "1.0.0"})).await;
    transcript.put(&ada, &format!("{tags}/all"), &json!({"version": "1.0.0"})).await;
    transcript.put(&ada, &format!("{tags}/beta"), &json!({})).await;
    transcript.put(&server.anonymous(), &format!("{tags}/beta"), &json!({"version": "1.0.0"})).await;
    transcript.get(&server.anonymous(), &tags).await;
    transcript.delete(&ada, &format!("{tags}/latest")).await;
    transcript.delete(&ada, &format!("{tags}/beta")).await;
    transcript.delete(&ada, &format!("{tags}/beta")).await;
    transcript.get(&server.anonymous(), &tags).await;
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn deprecations_and_owners() {
    let (server, ada) = with_kit().await;
    let bob = server.user("bob").await;
    let mut transcript = Transcript::default();
    transcript.put(&ada, &format!("{KIT}/1.0.0/deprecation"), &json!({"message": "use 1.1.0"})).await;
    transcript.get(&server.anonymous(), &format!("{KIT}/versions")).await;
    transcript.delete(&ada, &format!("{KIT}/1.0.0/deprecation")).await;
    transcript.get(&server.anonymous(), &format!("{KIT}/owners")).await;
    transcript.delete(&ada, &format!("{KIT}/owners/ada")).await;
    transcript.put(&bob, &format!("{KIT}/owners/bob"), &json!({})).await;
    transcript.put(&ada, &format!("{KIT}/owners/nobody"), &json!({})).await;
    transcript.put(&ada, &format!("{KIT}/owners/bob"), &json!({})).await;
    transcript.get(&server.anonymous(), &format!("{KIT}/owners")).await;
    bob.publish(&Package::new("kit", "1.2.0").aam(), &[]).await.expect_status(201);
    transcript.delete(&bob, &format!("{KIT}/owners/ada")).await;
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn what_was_done_is_in_the_audit_log() {
    let (server, ada) = with_kit().await;
    ada.delete(&format!("{KIT}/1.0.0?reason=old")).await.expect_status(200);
    let mut transcript = Transcript::default();
    transcript.get(&ada, &format!("{KIT}/audit-log")).await;
    transcript.get(&server.anonymous(), &format!("{KIT}/audit-log")).await;
    transcript.get(&server.user("bob").await, &format!("{KIT}/audit-log")).await;
    transcript.get(&ada, "/api/v1/audit-log").await;
    insta::assert_json_snapshot!(transcript.into_value());
}
