//! Killed at any instant, the server loses no acknowledged version and shows
//! no half one.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aam_registry_core::types::Sha256Digest;
use aam_registry_tests::{Answer, Api, Package, Server};
use futures_util::{StreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Body;
use serde_json::Value;

const PUBLISHERS: u64 = 6;
const MIN_ROUNDS: u64 = 8;
/// Rounds go on for this long; what comes after the last is checked however long it takes.
const ENOUGH: Duration = Duration::from_secs(30);

/// What was sent, and what was answered to it.
#[derive(Clone)]
struct Sent {
    name: String,
    version: String,
    aam: Vec<u8>,
    sha256: String,
    acknowledged: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_no_acknowledged_version_and_shows_no_half_one() {
    let mut server = Server::start().await;
    let user = server.user("publisher").await;
    let serial = Arc::new(AtomicU64::new(0));
    let mut everything: Vec<Sent> = Vec::new();
    let started = Instant::now();
    let mut rng = StdRng::seed_from_u64(7);
    let (mut acknowledged, mut cut) = (0, 0);

    for round in 0.. {
        if round >= MIN_ROUNDS && started.elapsed() > ENOUGH {
            break;
        }
        let api = user.at(server.base());
        let sent = Arc::new(Mutex::new(Vec::new()));
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let seed = round * PUBLISHERS + publisher;
                tokio::spawn(publish_until_cut_off(api.clone(), seed, Arc::clone(&serial), Arc::clone(&sent)))
            })
            .collect();
        tokio::time::sleep(Duration::from_micros(rng.random_range(1_000..400_000))).await;
        let stopped = server.kill();
        for publisher in publishers {
            publisher.await.expect("publishers end when the server is gone");
        }
        server = stopped.start().await;

        let api = user.at(server.base());
        let mut sent = std::mem::take(&mut *sent.lock().expect("not poisoned"));
        acknowledged += sent.iter().filter(|sent| sent.acknowledged).count();
        cut += sent.iter().filter(|sent| !sent.acknowledged).count();
        for sent in &mut sent {
            check(&api, sent).await;
        }
        everything.extend(sent);
    }

    check_listings(&user.at(server.base()), &everything).await;
    assert!(acknowledged > 0 && cut > 0, "{acknowledged} acknowledged, {cut} cut off: the test met no kill");
}

/// Publishes one new version after the other until the server is gone.
async fn publish_until_cut_off(api: Api, seed: u64, serial: Arc<AtomicU64>, all: Arc<Mutex<Vec<Sent>>>) {
    let mut rng = StdRng::seed_from_u64(seed);
    loop {
        let serial = serial.fetch_add(1, Ordering::Relaxed);
        let (name, version) = (format!("pkg-{}", serial % 9), format!("1.{serial}.0"));
        // Mostly small ones, whose commits a kill meets; some so large that it meets the upload.
        let size = if rng.random_bool(0.15) { 2_000_000 } else { rng.random_range(0..20_000) };
        let mut noise = vec![0; size];
        rng.fill(&mut noise[..]);
        let aam = Package::new(&name, &version).file("noise", noise).aam();
        let sha256 = Sha256Digest::of(&aam).to_string();
        let answer = api.try_publish(in_chunks(&aam), &[("checksum", &sha256)]).await;
        let acknowledged = match &answer {
            Ok(answer) if answer.status == 201 => true,
            Ok(answer) => panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
            Err(_) => false,
        };
        all.lock().expect("not poisoned").push(Sent { name, version, aam, sha256, acknowledged });
        if !acknowledged {
            return;
        }
    }
}

fn in_chunks(aam: &[u8]) -> Body {
    let chunks: Vec<_> = aam.chunks(64 * 1024).map(|chunk| Ok::<_, io::Error>(chunk.to_vec())).collect();
    Body::wrap_stream(stream::iter(chunks).then(async |chunk| {
        tokio::task::yield_now().await;
        chunk
    }))
}

fn path(sent: &Sent) -> String {
    format!("/api/v1/packages/{}/{}", sent.name, sent.version)
}

/// What was acknowledged is there; what was not is there whole or can be sent again.
async fn check(api: &Api, sent: &mut Sent) {
    if !sent.acknowledged {
        let answer = api.publish(&sent.aam, &[]).await;
        match answer.status {
            201 => {}
            409 => {
                let error = answer.json();
                assert_eq!(error["error"], "version_exists", "{error}");
                assert!(details(&error).contains(&("sha256".into(), sent.sha256.clone())), "{error}");
            }
            _ => panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
        }
        sent.acknowledged = true;
    }
    let version = api.get(&path(sent)).await.expect_status(200).json();
    assert_eq!(version["checksum"]["sha256"], *sent.sha256);
    let archive = api.get(&format!("{}/download", path(sent))).await.expect_status(200);
    assert!(archive.body == sent.aam, "{} {} has other bytes than were sent", sent.name, sent.version);
}

fn details(error: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let details = error["details"].as_array().into_iter().flatten();
    details.map(|detail| (text(&detail["field"]), text(&detail["error"]))).collect()
}

/// Exactly what was sent is listed, and all of it can be downloaded whole.
async fn check_listings(api: &Api, everything: &[Sent]) {
    let mut expected: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for sent in everything {
        expected.entry(&sent.name).or_default().insert((&sent.version, &sent.sha256));
    }
    let found = api.get("/api/v1/packages?limit=100").await.expect_status(200).json();
    assert_eq!(found["total"], expected.len());
    for (name, expected) in expected {
        let answer = api.get(&format!("/api/v1/packages/{name}/versions")).await.expect_status(200).json();
        let versions = answer["versions"].as_array().expect("a list");
        let listed: BTreeSet<_> = versions
            .iter()
            .map(|version| {
                let text = |value: &'_ Value| value.as_str().expect("text").to_owned();
                (text(&version["version"]), text(&version["checksum"]["sha256"]))
            })
            .collect();
        let listed: BTreeSet<_> = listed.iter().map(|(version, sha256)| (&**version, &**sha256)).collect();
        assert_eq!(listed, expected, "{name}");
        for (version, sha256) in listed {
            let archive: Answer = api.get(&format!("/api/v1/packages/{name}/{version}/download")).await;
            assert_eq!(archive.expect_status(200).sha256(), sha256, "{name} {version}");
        }
    }
}
