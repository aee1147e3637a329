//! Redis is down: answers are slower, but correct.

use std::time::Duration;

use aam_registry_tests::Link;

use super::Scene;
use crate::production::load::Kind;

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_started() {
    let mut scene = Scene::start().await;
    scene.load.calm_phase("down").await;
    scene.redis.kill();
    scene.load.go_on(Duration::from_secs(4)).await;
    scene.expect_health(&["cache"]).await;
    scene.load.phase("back");
    scene.redis.start_again().await;
    scene.load.go_on(Duration::from_secs(3)).await;
    for phase in ["down", "back"] {
        scene.load.expect(phase, &Kind::ALL, &["200", "201"]);
    }
    scene.load.expect_no_longer_than(Duration::from_secs(15));
    scene.end("Redis killed and started").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_silent() {
    let scene = Scene::start().await;
    scene.load.calm_phase("silent").await;
    scene.to_redis.set(Link::Silent);
    scene.load.go_on(Duration::from_secs(8)).await;
    scene.expect_health(&["cache"]).await;
    scene.load.phase("back");
    scene.to_redis.set(Link::Passes);
    scene.load.go_on(Duration::from_secs(3)).await;
    for phase in ["silent", "back"] {
        scene.load.expect(phase, &Kind::ALL, &["200", "201"]);
    }
    scene.load.expect_no_longer_than(Duration::from_secs(15));
    scene.end("Redis silent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_slow() {
    let scene = Scene::start().await;
    scene.load.calm_phase("slow").await;
    scene.to_redis.set(Link::Slow(Duration::from_millis(300)));
    scene.load.go_on(Duration::from_secs(5)).await;
    scene.load.phase("back");
    scene.to_redis.set(Link::Passes);
    scene.load.go_on(Duration::from_secs(3)).await;
    for phase in ["slow", "back"] {
        scene.load.expect(phase, &Kind::ALL, &["200", "201"]);
    }
    scene.load.expect_no_longer_than(Duration::from_secs(15));
    scene.end("Redis slow").await;
}
