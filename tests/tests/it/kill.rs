//! A server that is killed at any time loses no acknowledged version and shows no incomplete one.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aam_registry_tests::{Api, Server};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::sent::{Sent, check_listings};

const PUBLISHERS: u64 = 6;
const MIN_ROUNDS: u64 = 8;
/// New rounds start for this long; checking after the last one takes as long as it needs.
const ENOUGH: Duration = Duration::from_secs(30);

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
            sent.check(&api).await;
        }
        everything.extend(sent);
    }

    check_listings(&user.at(server.base()), &everything).await;
    assert!(acknowledged > 0 && cut > 0, "{acknowledged} acknowledged, {cut} cut off: the test met no kill");
}

/// Publishes new versions one after the other until the server is gone.
async fn publish_until_cut_off(api: Api, seed: u64, serial: Arc<AtomicU64>, all: Arc<Mutex<Vec<Sent>>>) {
    let mut rng = StdRng::seed_from_u64(seed);
    loop {
        let mut sent = Sent::new(&mut rng, serial.fetch_add(1, Ordering::Relaxed));
        let answer = api.try_publish(sent.in_chunks(), &[("checksum", &sent.sha256)]).await;
        sent.acknowledged = match &answer {
            Ok(answer) if answer.status == 201 => true,
            Ok(answer) => panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
            Err(_) => false,
        };
        let goes_on = sent.acknowledged;
        all.lock().expect("not poisoned").push(sent);
        if !goes_on {
            return;
        }
    }
}
