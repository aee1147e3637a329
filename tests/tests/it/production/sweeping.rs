//! Sweeps and cleanups while clients upload.

use std::{
    fs, io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aam_registry_tests::{
    Api, PATIENCE, Package, Ran, Server, Settings, Stores, eventually, postgres::Client, replicas, report,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Body;

use super::storage::files;
use crate::sent::{Sent, noise};

/// Clients and cleanups run for this long, and until everything happened often enough.
const LONG_ENOUGH: Duration = Duration::from_secs(25);
/// A day in the database's unit, microseconds.
const DAY: i64 = 86_400_000_000;

/// What clients and cleanups have done.
#[derive(Debug, Default)]
struct Done {
    is_over: AtomicBool,
    serial: AtomicU64,
    published: Mutex<Vec<Sent>>,
    /// Uploads that took long and were published.
    slow: AtomicU64,
    /// Uploads whose client disconnected.
    cut_off: AtomicU64,
    /// Starts of a server that swept and was then killed.
    sweeps: AtomicU64,
    /// Abandoned uploads that a sweep deleted, or will delete.
    aged: AtomicU64,
    /// Abandoned uploads that were removed from the database, so that no sweep knows them.
    forgotten: AtomicU64,
    /// Runs of `storage cleanup`.
    cleanups: AtomicU64,
    /// Files that `storage cleanup` deleted.
    cleaned: AtomicU64,
}

impl Done {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Each number, and its minimum for the test to be meaningful.
    fn counts(&self) -> [(&'static str, u64, u64); 8] {
        let count = |count: &AtomicU64| count.load(Ordering::Acquire);
        let published = self.published.lock().expect("not poisoned").len();
        [
            ("published", published.try_into().expect("few"), 50),
            ("slowly", count(&self.slow), 4),
            ("cut off", count(&self.cut_off), 10),
            ("sweeps", count(&self.sweeps), 3),
            ("aged", count(&self.aged), 1),
            ("forgotten", count(&self.forgotten), 1),
            ("cleanups", count(&self.cleanups), 4),
            ("cleaned", count(&self.cleaned), 1),
        ]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_version_loses_its_archive() {
    let stores = Stores::start().await;
    // This is also how long an upload counts as alive without being renewed.
    let settings = stores.settings().with("UPLOAD_TIMEOUT", "15s");
    let servers = replicas::<3>(&settings).await;
    let user = servers[0].user("publisher").await;
    let crashing = servers[0].user("crashing").await;
    let done = Arc::new(Done::default());
    let mut tasks = Vec::new();
    for seed in 0..9 {
        let api = user.at(servers[usize::try_from(seed % 3).expect("small")].base());
        let pace = [Pace::Quick, Pace::Slow, Pace::CutOff][usize::try_from(seed / 3).expect("small")];
        tasks.push(tokio::spawn(publish(api, seed, Arc::clone(&done), pace)));
    }
    tasks.push(tokio::spawn(clean_again_and_again(settings.clone(), Arc::clone(&done))));
    tasks.push(tokio::spawn(sweep_again_and_again(crashing, settings.clone(), Arc::clone(&done))));
    tasks.push(tokio::spawn(let_time_pass(stores.database.client().await, Arc::clone(&done))));
    let began = Instant::now();
    while began.elapsed() < LONG_ENOUGH || done.counts().iter().any(|(_, count, least)| count < least) {
        assert!(began.elapsed() < 2 * PATIENCE, "too little to mean anything: {:?}", done.counts());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    done.is_over.store(true, Ordering::Release);
    for task in tasks {
        task.await.expect("clients and cleaners end");
    }
    report(format_args!("{:?}", done.counts()));
    let published = std::mem::take(&mut *done.published.lock().expect("not poisoned"));

    let verified = servers[0].run(&["storage", "verify", "--deep", "--json"]).await.expect_code(0).json();
    assert!(verified["checked"].as_u64() >= u64::try_from(published.len()).ok(), "{verified}");
    for (at, sent) in published.iter().enumerate() {
        let archive = user.at(servers[at % 3].base()).get(&format!("{}/download", sent.path())).await;
        assert!(archive.expect_status(200).body == sent.aam, "{} {}", sent.name, sent.version);
    }

    gone_in_the_end(&stores, &settings).await;
    let again = servers[0].run(&["storage", "verify", "--deep", "--json"]).await.expect_code(0).json();
    assert_eq!(again["checked"], verified["checked"]);
    assert_eq!(again["checked"], files(&stores.s3.bucket()).len(), "archives and nothing else");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Quick,
    Slow,
    CutOff,
}

#[expect(clippy::single_match_else, reason = "both ends are worth a line")]
async fn publish(api: Api, seed: u64, done: Arc<Done>, pace: Pace) {
    let mut rng = StdRng::seed_from_u64(seed);
    while !done.is_over() {
        let serial = done.serial.fetch_add(1, Ordering::AcqRel);
        // Some uploads of more than one part are cut off between parts.
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
                done.cut_off.fetch_add(1, Ordering::AcqRel);
                // The upload may have been complete when its client disconnected.
                api.publish(&sent.aam, &[]).await
            }
        };
        if matches!(answer.status, 408 | 504) {
            // On a busy machine the upload may have timed out.
            continue;
        }
        assert!(sent.is_acknowledged_by(&answer), "{}", String::from_utf8_lossy(&answer.body));
        done.slow.fetch_add(u64::from(pace == Pace::Slow), Ordering::AcqRel);
        sent.acknowledged = true;
        done.published.lock().expect("not poisoned").push(sent);
    }
}

fn in_pieces(aam: &[u8], pieces: usize, pause: Duration) -> Body {
    let pieces: Vec<_> = aam.chunks(aam.len().div_ceil(pieces)).map(<[u8]>::to_vec).collect();
    Body::wrap_stream(stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, io::Error>(piece)
    }))
}

/// Runs `storage cleanup` repeatedly.
async fn clean_again_and_again(settings: Settings, done: Arc<Done>) {
    while !done.is_over() {
        let ran =
            Ran::on(&settings, &["storage", "cleanup", "--older-than", "0s", "--force", "--json"]).await.expect_code(0);
        let told = ran.json();
        let cleaned = ["archives", "unfinished"].iter().map(|key| told[key].as_u64().expect("a number")).sum();
        done.cleaned.fetch_add(cleaned, Ordering::AcqRel);
        done.cleanups.fetch_add(1, Ordering::AcqRel);
    }
}

/// Starts a server repeatedly, because it sweeps when it starts, and kills it during an upload of
/// several parts.
async fn sweep_again_and_again(user: Api, settings: Settings, done: Arc<Done>) {
    let aam = Bytes::from(Package::new("never-whole", "1.0.0").file("noise", noise(22_000_000)).aam());
    while !done.is_over() {
        let server = Server::start_on(settings.clone()).await;
        let api = user.at(server.base());
        // More than two parts, of which the first are stored while the last is awaited.
        let most = Ok::<_, io::Error>(aam.slice(..20_000_000));
        let unending = Body::wrap_stream(stream::iter([most]).chain(stream::pending()));
        let cut_off = tokio::spawn(async move { api.try_publish(unending, &[]).await });
        // Long enough for that, unless the machine is busy.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        drop(server);
        assert!(cut_off.await.expect("no panic").is_err());
        done.sweeps.fetch_add(1, Ordering::AcqRel);
    }
}

/// Makes abandoned uploads older than any upload could last, so that a sweep deletes them, and no
/// others. Removes those of the user `crashing` from the database, as restoring a backup does, so that
/// only `storage cleanup` finds their bytes.
async fn let_time_pass(database: Client, done: Arc<Done>) {
    let crashing = "user_id = (SELECT id FROM users WHERE username = 'crashing')";
    let age = format!(
        "UPDATE uploads SET abandoned_at = abandoned_at - $1 WHERE abandoned_at > lease_until AND NOT {crashing}"
    );
    let forget = format!("DELETE FROM uploads WHERE abandoned_at IS NOT NULL AND {crashing}");
    while !done.is_over() {
        let aged = database.execute(&age, &[&DAY]).await.expect("our own database");
        done.aged.fetch_add(aged, Ordering::AcqRel);
        let forgotten = database.execute(&forget, &[]).await.expect("our own database");
        done.forgotten.fetch_add(forgotten, Ordering::AcqRel);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Makes the uploads that were cut off old, and starts a server that sweeps.
async fn gone_in_the_end(stores: &Stores, settings: &Settings) {
    let database = stores.database.client().await;
    let began = Instant::now();
    let uploads = async || count(&database, "SELECT count(*) FROM uploads").await;
    // Uploads of clients that just disconnected may still be recorded as alive; nothing will renew
    // them.
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
    // `s3s-fs` stores the parts of an upload beside the bucket until they are joined.
    let beside = fs::read_dir(stores.s3.bucket().parent().expect("in a folder")).expect("our own folder");
    let names = beside.map(|entry| entry.expect("our own folder").file_name().into_string().expect("text"));
    let parts: Vec<_> = names.filter(|name| name.contains(".part-")).collect();
    assert!(parts.is_empty(), "{parts:?}");
}

async fn count(database: &Client, query: &str) -> i64 {
    database.query_one(query, &[]).await.expect("our own database").get(0)
}
