//! The archive storage is down: metadata is still served.

use std::time::Duration;

use aam_registry_tests::Link;

use super::Scene;
use crate::production::load::Kind;

const METADATA: [Kind; 3] = [Kind::Package, Kind::Search, Kind::Account];

#[tokio::test(flavor = "multi_thread")]
async fn the_storage_is_gone() {
    let scene = Scene::start().await;
    scene.load.calm_phase("down").await;
    scene.to_s3.set(Link::Cut);
    scene.load.go_on(Duration::from_secs(8)).await;
    scene.expect_health(&["storage"]).await;
    scene.to_s3.set(Link::Passes);
    scene.load.heal().await;
    scene.load.expect("down", &METADATA, &["200"]);
    scene.load.expect("down", &[Kind::Download, Kind::Publish], &["200", "201", "503 storage_unavailable"]);
    scene.load.expect("healing", &METADATA, &["200"]);
    scene.load.expect("healing", &[Kind::Download, Kind::Publish], &["200", "201", "503 storage_unavailable"]);
    // Three tries with pauses of a few seconds at most.
    scene.load.expect_no_longer_than(Duration::from_secs(30));
    scene.end("S3 gone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_storage_is_silent() {
    let scene = Scene::start().await;
    scene.load.calm_phase("silent").await;
    scene.to_s3.set(Link::Silent);
    scene.load.go_on(Duration::from_secs(6)).await;
    scene.expect_health(&["storage"]).await;
    // Longer than any time-out.
    scene.load.go_on(Duration::from_secs(30)).await;
    scene.to_s3.set(Link::Passes);
    scene.load.heal().await;
    for phase in ["silent", "healing"] {
        scene.load.expect(phase, &METADATA, &["200"]);
        scene.load.expect(phase, &[Kind::Download, Kind::Publish], &["200", "201", "503 storage_unavailable"]);
    }
    // The time-outs are 20 s for a write, and 5 s more to check whether it was done after all.
    scene.load.expect_no_longer_than(Duration::from_secs(30));
    scene.end("S3 silent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_storage_is_slow() {
    let scene = Scene::start().await;
    scene.load.calm_phase("slow").await;
    scene.to_s3.set(Link::Slow(Duration::from_millis(400)));
    scene.load.go_on(Duration::from_secs(8)).await;
    scene.to_s3.set(Link::Passes);
    scene.load.heal().await;
    scene.load.expect("slow", &Kind::ALL, &["200", "201"]);
    scene.load.expect("healing", &Kind::ALL, &["200", "201"]);
    scene.load.expect_no_longer_than(Duration::from_secs(30));
    scene.end("S3 slow").await;
}
