//! Several concurrent publishers.

use std::io;

use aam_registry_tests::{Package, Server};
use futures_util::{future, stream};
use reqwest::Body;
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_publish_one_version_one_wins() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let archives: Vec<_> =
        (0..12).map(|i| Package::new("kit", "1.0.0").file("who", format!("publisher {i}")).aam()).collect();
    let answers = future::join_all(archives.iter().map(|aam| ada.publish(aam, &[]))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(won.len(), 1);
    let sha256 = won[0].json()["checksum"]["sha256"].clone();
    for lost in answers.iter().filter(|answer| answer.status != 201) {
        let error = lost.json();
        assert_eq!((lost.status, &error["error"]), (409, &"version_exists".into()), "{error}");
        assert_eq!(error["details"][0]["error"], sha256, "the loser is told who won");
    }
    let archive = ada.get("/api/v1/packages/kit/1.0.0/download").await.expect_status(200);
    assert_eq!(archive.sha256(), sha256);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_under_way_blocks_nobody() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let slow = Package::new("kit", "1.0.0").file("who", "the slow one").aam();
    let (first, second) = slow.split_at(slow.len() / 2);
    let (send, receive) = mpsc::channel::<Vec<u8>>(1);
    let chunks = stream::unfold(receive, async |mut receive| {
        receive.recv().await.map(|chunk| (Ok::<_, io::Error>(chunk), receive))
    });
    let under_way = tokio::spawn({
        let ada = ada.clone();
        async move { ada.try_publish(Body::wrap_stream(chunks), &[]).await }
    });
    send.send(first.to_vec()).await.expect("the upload runs");
    // The channel has room for one chunk: when it has room again, the first half is being sent.
    let _ = send.reserve().await.expect("the upload runs");

    let quick = Package::new("kit", "1.0.0").file("who", "the quick one").aam();
    ada.publish(&quick, &[]).await.expect_status(201);
    send.send(second.to_vec()).await.expect("the upload runs");
    drop(send);
    let lost = under_way.await.expect("no panic").expect("an answer").expect_status(409);
    assert_eq!(lost.json()["error"], "version_exists");
}
