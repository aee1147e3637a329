//! Webhooks of scopes, delivered by several servers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aam_registry_tests::{Server, Stores, eventually};
use serde_json::json;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver},
    time,
};

use crate::delivery::{self, Delivery};

/// A receiver that never answers the first delivery, and takes all others.
async fn receiver() -> (u16, UnboundedReceiver<Delivery>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (deliver, delivered) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut unanswered = None;
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let delivery = delivery::read(&mut stream).await;
            if unanswered.is_some() {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
            } else {
                unanswered = Some(stream);
            }
            if deliver.send(delivery).is_err() {
                return;
            }
        }
    });
    (port, delivered)
}

/// Three servers, of which the one that delivers is killed: every event arrives, and each under one id.
#[tokio::test]
async fn every_event_of_a_scope_arrives_though_a_replica_is_killed() {
    let (port, mut delivered) = receiver().await;
    let stores = Stores::start().await;
    let settings = stores
        .settings()
        .with("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1")
        .with("SECRETS_KEY", "a key that all replicas of a test have in common");
    let first = Server::start_on(settings.clone()).await;
    let ada = first.user("ada").await;
    for name in ["bob", "cat", "dan", "eve"] {
        first.user(name).await;
    }
    let webhook = json!({"url": format!("http://127.0.0.1:{port}/hook"), "events": ["scope.member_set"]});
    let made = ada.post("/api/v1/scopes/ada/webhooks", &webhook).await.expect_status(201).json();
    let member = |name: &str| format!("/api/v1/scopes/ada/members/{name}");
    ada.put(&member("bob"), &json!({"role": "member"})).await.expect_status(200);
    let mut next = async || {
        // The lease of the one that was killed has to run out.
        let delivery = time::timeout(Duration::from_mins(3), delivered.recv()).await.expect("every event is delivered");
        delivery.expect("the receiver runs")
    };
    let begun = next().await;
    let [second, third] = aam_registry_tests::replicas(&settings).await;
    first.kill();

    for (server, name) in [(&second, "cat"), (&third, "dan"), (&second, "eve")] {
        ada.at(server.base()).put(&member(name), &json!({"role": "member"})).await.expect_status(200);
    }
    let mut ids = BTreeMap::<String, BTreeSet<String>>::new();
    let mut note = |(id, body): Delivery| {
        let member = body["data"]["metadata"]["member"].as_str().expect("a member").to_owned();
        ids.entry(member).or_default().insert(id);
    };
    note(begun.clone());
    let mut wanted = BTreeSet::from(["bob", "cat", "dan", "eve"]);
    while !wanted.is_empty() {
        let delivery = next().await;
        let name = delivery.1["data"]["metadata"]["member"].as_str().expect("a member").to_owned();
        if name == "bob" {
            assert_eq!(delivery, begun, "the same message");
        }
        wanted.remove(name.as_str());
        note(delivery);
    }
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    let listed = format!("/api/v1/scopes/ada/webhooks/{}/deliveries", made["id"].as_str().expect("an id"));
    let ada = ada.at(third.base());
    eventually("every delivery is noted", async || {
        let deliveries = ada.get(&listed).await.expect_status(200).json();
        let states = deliveries["deliveries"].as_array()?.iter().filter(|one| one["state"] == "delivered").count();
        (states == 4).then_some(())
    })
    .await;
}
