//! The database is down: cached public downloads work, everything else answers 503.

use std::time::Duration;

use aam_registry_tests::{Link, report};

use super::Scene;
use crate::production::load::Kind;

const DOWN: &[&str] = &["200", "503 database_unavailable"];
/// The requests that need the database.
const NEEDS_IT: [Kind; 3] = [Kind::Search, Kind::Account, Kind::Publish];

impl Scene {
    /// The outcomes that clients may see while the database is down, after the servers have noticed.
    fn expect_database_down(&self) {
        self.load.expect("down", &[Kind::Download], &["200"]);
        self.load.expect("down", &[Kind::Package], DOWN);
        self.load.expect("down", &NEEDS_IT, &["503 database_unavailable"]);
    }

    /// The outcomes that clients may see while the database fails or recovers.
    fn expect_database_failing(&self, phase: &'static str) {
        self.load.expect(phase, &[Kind::Download], &["200"]);
        self.load.expect(phase, &[Kind::Package], DOWN);
        self.load.expect(phase, &NEEDS_IT, &["200", "201", "503 database_unavailable"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_stopped_and_started() {
    let mut scene = Scene::start().await;
    scene.load.calm_phase("going").await;
    scene.postgres.stop().await;
    scene.load.go_on(Duration::from_secs(1)).await;
    scene.load.phase("down");
    scene.load.go_on(Duration::from_secs(6)).await;
    scene.expect_health(&["database"]).await;
    scene.expect_database_down();
    scene.postgres.start_again().await;
    scene.load.heal().await;
    for phase in ["going", "healing"] {
        scene.expect_database_failing(phase);
    }
    scene.load.expect_no_longer_than(Duration::from_secs(20));
    scene.end("PostgreSQL stopped and started").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_killed_again_and_again() {
    let mut scene = Scene::start().await;
    for _ in 0..4 {
        scene.load.calm_phase("going").await;
        scene.postgres.kill();
        scene.load.go_on(Duration::from_millis(700)).await;
        scene.load.phase("down");
        scene.load.go_on(Duration::from_millis(800)).await;
        scene.load.phase("coming");
        scene.postgres.start_again().await;
        let took = scene.load.heal().await;
        report(format_args!("healed after {took:.2?}"));
    }
    scene.expect_database_down();
    for phase in ["going", "coming", "healing"] {
        scene.expect_database_failing(phase);
    }
    scene.load.expect_no_longer_than(Duration::from_secs(20));
    scene.end("PostgreSQL killed four times").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_silent() {
    let scene = Scene::start().await;
    scene.load.calm_phase("silent").await;
    scene.to_postgres.set(Link::Silent);
    // Longer than any time-out.
    scene.load.go_on(Duration::from_secs(10)).await;
    scene.expect_health(&["database"]).await;
    scene.load.go_on(Duration::from_secs(22)).await;
    scene.expect_database_failing("silent");
    scene.to_postgres.set(Link::Passes);
    scene.load.heal().await;
    scene.expect_database_failing("healing");
    // The time-outs are 5 s for a connection, 10 s for a statement and 2 s more for its answer.
    scene.load.expect_no_longer_than(Duration::from_secs(25));
    scene.end("PostgreSQL silent").await;
}
