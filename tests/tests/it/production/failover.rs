//! A server is killed at any time while clients continue with the others.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aam_registry_tests::{Api, Stores, replicas, report};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::audit::publishes;
use crate::sent::{Sent, check_listings};

const PUBLISHERS: u64 = 6;
const MIN_ROUNDS: u64 = 8;
/// New rounds start for this long; checking after the last one takes as long as it needs.
const ENOUGH: Duration = Duration::from_secs(20);

/// The addresses of the servers, and what clients did.
#[derive(Debug, Default)]
struct Shared {
    bases: Mutex<Vec<String>>,
    serial: AtomicU64,
    cut_off: AtomicU64,
    is_over: AtomicBool,
    sent: Mutex<Vec<Sent>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_to_another_server_is_published_once() {
    let stores = Stores::start().await;
    let settings = stores.settings();
    let mut servers = Vec::from(replicas::<3>(&settings).await);
    let user = servers[0].user("publisher").await;
    let shared = Arc::new(Shared::default());
    *shared.bases.lock().expect("not poisoned") = servers.iter().map(|server| server.base().to_owned()).collect();
    let publishers: Vec<_> =
        (0..PUBLISHERS).map(|seed| tokio::spawn(publish(user.clone(), seed, Arc::clone(&shared)))).collect();

    let mut rng = StdRng::seed_from_u64(11);
    let began = Instant::now();
    let mut kills = 0;
    while kills < MIN_ROUNDS || began.elapsed() < ENOUGH {
        tokio::time::sleep(Duration::from_micros(rng.random_range(1_000..400_000))).await;
        let at = rng.random_range(0..servers.len());
        let server = servers.swap_remove(at).kill().start().await;
        servers.push(server);
        *shared.bases.lock().expect("not poisoned") = servers.iter().map(|server| server.base().to_owned()).collect();
        kills += 1;
    }
    shared.is_over.store(true, Ordering::Release);
    for publisher in publishers {
        publisher.await.expect("publishers end");
    }

    let mut sent = std::mem::take(&mut *shared.sent.lock().expect("not poisoned"));
    let cut_off = shared.cut_off.load(Ordering::Acquire);
    report(format_args!("{} versions published over {kills} kills, {cut_off} attempts cut off", sent.len()));
    assert!(cut_off > 0 && sent.len() > 50, "the test met no kill");
    for (at, sent) in sent.iter_mut().enumerate() {
        sent.check(&user.at(servers[at % 3].base())).await;
    }
    check_listings(&user.at(servers[2].base()), &sent).await;
    let verified = servers[0].run(&["storage", "verify", "--deep", "--json"]).await.expect_code(0).json();
    assert_eq!(verified["checked"], sent.len());
    // One entry for each version, even if the answer was lost.
    let expected: BTreeMap<_, _> = sent.iter().map(|sent| ((sent.name.clone(), sent.version.clone()), 1)).collect();
    assert_eq!(publishes(&stores.database.client().await).await, expected);
}

/// Publishes new versions one after the other, each until it is acknowledged.
async fn publish(user: Api, seed: u64, shared: Arc<Shared>) {
    let mut rng = StdRng::seed_from_u64(seed);
    while !shared.is_over.load(Ordering::Acquire) {
        let mut sent = Sent::new(&mut rng, shared.serial.fetch_add(1, Ordering::Relaxed));
        for attempt in rng.random_range(0..3).. {
            let api = {
                let bases = shared.bases.lock().expect("not poisoned");
                user.at(&bases[attempt % bases.len()])
            };
            match api.try_publish(sent.in_chunks(), &[("checksum", &sent.sha256)]).await {
                Ok(answer) if sent.is_acknowledged_by(&answer) => break,
                Ok(answer) => panic!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
                Err(_) => shared.cut_off.fetch_add(1, Ordering::AcqRel),
            };
        }
        sent.acknowledged = true;
        shared.sent.lock().expect("not poisoned").push(sent);
    }
}
