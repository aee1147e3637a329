//! The drill: a registry that publishes is backed up, lost and restored elsewhere.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use aam_registry_tests::{Api, Server, report};
use futures_util::{StreamExt, stream};

use super::site::{Place, Site, package, publish};

/// How many users publish at once.
const PUBLISHERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_publishes_is_backed_up_and_restored_into_a_bucket() {
    drill(Site::local(), Site::bucket().await, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_in_a_bucket_is_restored_into_a_folder() {
    drill(Site::bucket().await, Site::local(), 20).await;
}

/// Backs up a registry of that many packages while it publishes, destroys it, restores it and compares everything.
pub(crate) async fn drill(lost: Site, target: Site, packages: usize) {
    let server = lost.serve().await;
    let mut users = Vec::new();
    for number in 0..PUBLISHERS {
        users.push(server.user(&format!("publisher-{number}")).await);
    }
    let began = Instant::now();
    fill(&users, packages).await;
    report(format!("{packages} packages published in {:.1?}", began.elapsed()));

    let (ends, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let publishing: Vec<_> = users
        .iter()
        .enumerate()
        .map(|(number, user)| {
            tokio::spawn(publish_on(user.clone(), number, Arc::clone(&ends), Arc::clone(&acknowledged)))
        })
        .collect();
    while acknowledged.lock().expect("not poisoned").len() < PUBLISHERS {
        tokio::task::yield_now().await;
    }
    let before: Vec<String> = acknowledged.lock().expect("not poisoned").clone();
    let began = Instant::now();
    let place = Place::new();
    let told = lost.back_up(&place, &[]).await;
    report(format!("backed up in {:.1?}: {told}", began.elapsed()));
    ends.store(true, Ordering::Release);
    for publishing in publishing {
        publishing.await.expect("no panic");
    }
    let published = acknowledged.lock().expect("not poisoned").len();
    drop(server.kill());
    drop(lost);

    let began = Instant::now();
    let verified = place.verify().await.expect_code(0).json();
    report(format!("verified in {:.1?}", began.elapsed()));
    assert_eq!(verified["faults"], serde_json::json!([]));
    let began = Instant::now();
    let restored = target.restore(&place, &[]).await.expect_code(0).json();
    report(format!("restored in {:.1?}: {restored}", began.elapsed()));
    assert_eq!(restored["versions"], told["versions"]);
    let versions = usize::try_from(told["versions"].as_u64().expect("a number")).expect("few");
    assert!(versions >= packages + before.len() && versions <= packages + published + PUBLISHERS, "{versions}");
    let backup = told["backup"].as_str().expect("a name");
    let began = Instant::now();
    target.assert_holds(&place, backup).await;
    report(format!("compared row by row and byte by byte in {:.1?}", began.elapsed()));

    target.run(&["storage", "verify", "--deep"]).await.expect_code(0);
    let server = target.serve().await;
    check_that_it_works(&server, &users[0], &before).await;
    target.run(&["audit", "verify"]).await.expect_code(0);
}

/// Publishes the packages, a few at a time.
async fn fill(users: &[Api], packages: usize) {
    stream::iter(0..packages)
        .map(|number| {
            let user = users[number % users.len()].clone();
            async move { publish(&user, &format!("pkg-{number}"), "1.0.0").await }
        })
        .buffer_unordered(users.len())
        .collect::<Vec<_>>()
        .await;
}

/// Publishes versions until it is told to end, and notes which were acknowledged.
async fn publish_on(user: Api, number: usize, ends: Arc<AtomicBool>, acknowledged: Arc<Mutex<Vec<String>>>) {
    for minor in 0.. {
        if ends.load(Ordering::Acquire) {
            return;
        }
        let (name, version) = (format!("moving-{number}"), format!("1.{minor}.0"));
        publish(&user, &name, &version).await;
        acknowledged.lock().expect("not poisoned").push(format!("{name}/{version}"));
    }
}

/// Everything acknowledged before the backup began is there, and the registry goes on.
async fn check_that_it_works(server: &Server, user: &Api, before: &[String]) {
    let user = user.at(server.base());
    for version in before {
        let (name, number) = version.split_once('/').expect("a name and a version");
        let download = user.get(&format!("/api/v1/packages/{version}/download")).await.expect_status(200);
        assert_eq!(download.body, package(name, number), "{version}");
    }
    let found = user.get("/api/v1/packages?q=pkg-1").await.expect_status(200).json();
    assert!(found["packages"].as_array().is_some_and(|found| !found.is_empty()), "{found}");
    // The session of before is still one, and ids go on.
    publish(&user, "after-the-restore", "1.0.0").await;
    publish(&user, "pkg-0", "1.1.0").await;
    user.get("/api/v1/packages/pkg-0/1.1.0/download").await.expect_status(200);
}

/// The drill that docs/backup.md describes, run by scripts/test --full: `scripts/services cargo nextest run -p
/// aam-registry-tests --all-features --run-ignored only the_drill --no-capture`.
#[cfg(feature = "service-tests")]
#[ignore = "it takes minutes: scripts/test --full"]
#[tokio::test(flavor = "multi_thread")]
async fn the_drill_of_ten_thousand_packages() {
    drill(Site::local(), Site::production().await, 10_000).await;
}
