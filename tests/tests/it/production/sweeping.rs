//! Cleaning that goes on beside uploads.

use std::{
    fs, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aam_registry_tests::{Api, Package, Ran, Server, Settings, Stores, eventually, postgres::Client, replicas, report};
use futures_util::{StreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Body;

use super::storage::files;
use crate::sent::{Sent, noise};

const LONG_ENOUGH: Duration = Duration::from_secs(35);
/// A day in the microseconds of the database.
const DAY: i64 = 86_400_000_000;

/// What uploads there were.
#[derive(Debug, Default)]
struct Uploads {
    is_over: AtomicBool,
    serial: AtomicU64,
    cut_off: AtomicU64,
    slow: AtomicU64,
    published: Mutex<Vec<Sent>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_version_loses_its_archive() {
    let stores = Stores::start().await;
    // Also the longest that an upload counts as alive without a sign of life.
    let settings = stores.settings().with("UPLOAD_TIMEOUT", "15s");
    let servers = replicas::<3>(&settings).await;
    let user = servers[0].user("publisher").await;
    let crashing = servers[0].user("crashing").await;
    let uploads = Arc::new(Uploads::default());
    let mut clients = Vec::new();
    for seed in 0..9 {
        let api = user.at(servers[usize::try_from(seed % 3).expect("small")].base());
        clients.push(tokio::spawn(match seed {
            0..3 => publish(api, seed, Arc::clone(&uploads), Pace::Quick),
            3..6 => publish(api, seed, Arc::clone(&uploads), Pace::Slow),
            _ => publish(api, seed, Arc::clone(&uploads), Pace::CutOff),
        }));
    }
    let cleaned = tokio::spawn(clean_again_and_again(settings.clone(), Arc::clone(&uploads)));
    let swept = tokio::spawn(sweep_again_and_again(crashing, settings.clone(), Arc::clone(&uploads)));
    let time = tokio::spawn(let_time_pass(stores.database.client().await, Arc::clone(&uploads)));
    tokio::time::sleep(LONG_ENOUGH).await;
    uploads.is_over.store(true, Ordering::Release);
    for client in clients {
        client.await.expect("clients end");
    }
    let (cleanups, deleted) = cleaned.await.expect("cleaners end");
    report(format_args!("{cleanups} cleanups took away {deleted} archives and unfinished uploads"));
    let rounds = swept.await.expect("sweepers end");
    let (aged, forgotten) = time.await.expect("time passes");
    report(format_args!("{rounds} sweeps; of abandoned uploads {aged} grew old and {forgotten} were forgotten"));
    assert!(cleanups > 3 && deleted > 0, "too little cleaning to mean anything");
    assert!(rounds > 3 && aged > 0 && forgotten > 0, "too little sweeping to mean anything");
    let published = std::mem::take(&mut *uploads.published.lock().expect("not poisoned"));
    let (slow, cut_off) = (uploads.slow.load(Ordering::Acquire), uploads.cut_off.load(Ordering::Acquire));
    report(format_args!("{} published, {slow} of them slowly; {cut_off} cut off", published.len()));
    assert!(published.len() > 50 && slow > 3 && cut_off > 10, "too little to mean anything");

    let verified = servers[0].run(&["storage", "verify", "--deep", "--json"]).await.expect_code(0).json();
    assert!(verified["checked"].as_u64() >= u64::try_from(published.len()).ok(), "{verified}");
    for (at, sent) in published.iter().enumerate() {
        let archive = user.at(servers[at % 3].base()).get(&format!("{}/download", sent.path())).await;
        assert!(archive.expect_status(200).body == sent.aam, "{} {}", sent.name, sent.version);
    }

    gone_in_the_end(&stores, &settings).await;
    let again = servers[0].run(&["storage", "verify", "--deep", "--json"]).await.expect_code(0).json();
    assert_eq!(again["checked"], verified["checked"]);
    assert_eq!(verified["checked"], files(&stores.s3.bucket()).len(), "archives and nothing else");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Quick,
    Slow,
    CutOff,
}

#[expect(clippy::single_match_else, reason = "both ends are worth a line")]
async fn publish(api: Api, seed: u64, uploads: Arc<Uploads>, pace: Pace) {
    let mut rng = StdRng::seed_from_u64(seed);
    while !uploads.is_over.load(Ordering::Acquire) {
        let serial = uploads.serial.fetch_add(1, Ordering::AcqRel);
        // Of those with more than one part of an object some are cut off between parts.
        let size = if rng.random_bool(0.08) { 9_000_000 } else { rng.random_range(0..100_000) };
        let mut sent = Sent::sized(&mut rng, serial, size);
        let (pause, pieces) = match pace {
            Pace::Quick => (Duration::ZERO, 20),
            Pace::Slow => (Duration::from_millis(100), rng.random_range(20..60)),
            Pace::CutOff => (Duration::from_millis(10), 20),
        };
        let sending = api.try_publish(in_pieces(&sent.aam, pieces, pause), &[]);
        let patience = if pace == Pace::CutOff { rng.random_range(0..250) } else { 60_000 };
        let answer = match tokio::time::timeout(Duration::from_millis(patience), sending).await {
            Ok(answer) => answer.expect("an answer"),
            Err(_) => {
                uploads.cut_off.fetch_add(1, Ordering::AcqRel);
                // It may have been whole when its client went away.
                api.publish(&sent.aam, &[]).await
            }
        };
        if answer.status == 504 {
            // A busy machine took longer than an upload may.
            continue;
        }
        assert!(sent.is_acknowledged_by(&answer), "{}", String::from_utf8_lossy(&answer.body));
        uploads.slow.fetch_add(u64::from(pace == Pace::Slow), Ordering::AcqRel);
        sent.acknowledged = true;
        uploads.published.lock().expect("not poisoned").push(sent);
    }
}

fn in_pieces(aam: &[u8], pieces: usize, pause: Duration) -> Body {
    let pieces: Vec<_> = aam.chunks(aam.len().div_ceil(pieces)).map(<[u8]>::to_vec).collect();
    Body::wrap_stream(stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, io::Error>(piece)
    }))
}

/// Runs the command over and over; how often, and how much it deleted.
async fn clean_again_and_again(settings: Settings, uploads: Arc<Uploads>) -> (u64, u64) {
    let (mut rounds, mut deleted) = (0, 0);
    while !uploads.is_over.load(Ordering::Acquire) {
        let ran = Ran::on(&settings, &["storage", "cleanup", "--older-than", "0s", "--json"]).await.expect_code(0);
        rounds += 1;
        let told = ran.json();
        deleted += ["archives", "unfinished"].iter().map(|key| told[key].as_u64().expect("a number")).sum::<u64>();
    }
    (rounds, deleted)
}

/// Starts a server over and over, since each sweeps at its start, and kills it
/// amid uploads of several parts; how often.
async fn sweep_again_and_again(user: Api, settings: Settings, uploads: Arc<Uploads>) -> u64 {
    let mut rounds = 0;
    while !uploads.is_over.load(Ordering::Acquire) {
        let server = Server::start_on(settings.clone()).await;
        let api = user.at(server.base());
        let cut_off: Vec<_> = (0..2)
            .map(|_| {
                let aam = Package::new("never-whole", "1.0.0").file("noise", noise(12_000_000)).aam();
                let api = api.clone();
                let most = Ok::<_, io::Error>(aam[..11_000_000].to_vec());
                let unending = stream::iter([most]).chain(stream::pending());
                tokio::spawn(async move { api.try_publish(Body::wrap_stream(unending), &[]).await })
            })
            .collect();
        // Long enough for a part to be stored.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        drop(server);
        for upload in cut_off {
            assert!(upload.await.expect("no panic").is_err());
        }
        rounds += 1;
    }
    rounds
}

/// Lets abandoned uploads, and no others, grow older than any upload could
/// last, so that a sweep deletes them; those of `crashing` it lets be forgotten,
/// as by a restored backup, so that only a cleanup finds what they left. How
/// many of each.
async fn let_time_pass(database: Client, uploads: Arc<Uploads>) -> (u64, u64) {
    let (mut aged, mut forgotten) = (0, 0);
    let crashing = "user_id = (SELECT id FROM users WHERE username = 'crashing')";
    let age = format!(
        "UPDATE uploads SET abandoned_at = abandoned_at - $1 WHERE abandoned_at > lease_until AND NOT {crashing}"
    );
    let forget = format!("DELETE FROM uploads WHERE abandoned_at IS NOT NULL AND {crashing}");
    while !uploads.is_over.load(Ordering::Acquire) {
        aged += database.execute(&age, &[&DAY]).await.expect("our own database");
        forgotten += database.execute(&forget, &[]).await.expect("our own database");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    (aged, forgotten)
}

/// Lets time pass for the uploads that were cut off, and lets a server sweep.
async fn gone_in_the_end(stores: &Stores, settings: &Settings) {
    let database = stores.database.client().await;
    let began = Instant::now();
    let uploads = async || count(&database, "SELECT count(*) FROM uploads").await;
    // Whose clients went away just now may still be recorded as alive: nobody will renew them.
    let left = uploads().await;
    for (age, done) in [
        (
            "UPDATE uploads SET lease_until = lease_until - $1",
            "SELECT count(*) FROM uploads WHERE abandoned_at IS NULL",
        ),
        ("UPDATE uploads SET abandoned_at = abandoned_at - $1", "SELECT count(*) FROM uploads"),
    ] {
        database.execute(age, &[&DAY]).await.expect("our own database");
        let server = Server::start_on(settings.clone()).await;
        let swept = async || (count(&database, done).await == 0).then_some(());
        eventually("a server to sweep at its start", swept).await;
        drop(server);
    }
    report(format_args!("{left} uploads were swept in {:?}", began.elapsed()));
    let nothing =
        Ran::on(settings, &["storage", "cleanup", "--older-than", "0s", "--json"]).await.expect_code(0).json();
    assert_eq!((&nothing["archives"], &nothing["unfinished"]), (&0.into(), &0.into()), "{nothing}");
    // Parts lie beside the bucket until they are made one object.
    let beside = fs::read_dir(stores.s3.bucket().parent().expect("in a folder")).expect("our own folder");
    let names = beside.map(|entry| entry.expect("our own folder").file_name().into_string().expect("text"));
    let parts: Vec<_> = names.filter(|name| name.contains(".part-")).collect();
    assert!(parts.is_empty(), "{parts:?}");
}

async fn count(database: &Client, query: &str) -> i64 {
    database.query_one(query, &[]).await.expect("our own database").get(0)
}
