//! Every download is counted once, whichever server serves it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use aam_registry_tests::{Api, Package, Server, Settings, Stores, postgres::Client, replicas, report};
use futures_util::future::join_all;
use serde_json::Value;

const VERSIONS: [&str; 3] = ["1.0.0", "1.1.0", "2.0.0"];
/// The downloads of how many seconds a killed server may lose.
const LAST_SECONDS: Duration = Duration::from_secs(6);

/// A download that began at `at`.
#[derive(Clone, Debug)]
struct Download {
    version: &'static str,
    at: Instant,
    /// Whether the client received all of it.
    is_whole: bool,
}

/// Clients of one server, until it stops or they are told to stop.
#[derive(Debug)]
struct Clients {
    is_over: Arc<AtomicBool>,
    got: Arc<Mutex<Vec<Download>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Clients {
    fn start(api: &Api) -> Self {
        let (is_over, got) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let client = |version| tokio::spawn(download(api.clone(), version, Arc::clone(&is_over), Arc::clone(&got)));
        let tasks = VERSIONS.iter().chain(&VERSIONS[..1]).map(|version| client(*version)).collect();
        Self { is_over, got, tasks }
    }

    async fn stop(self) -> Vec<Download> {
        self.is_over.store(true, Ordering::Release);
        for client in join_all(self.tasks).await {
            client.expect("clients end");
        }
        let got = self.got.lock().expect("not poisoned");
        got.clone()
    }
}

async fn download(api: Api, version: &'static str, is_over: Arc<AtomicBool>, got: Arc<Mutex<Vec<Download>>>) {
    while !is_over.load(Ordering::Acquire) {
        let at = Instant::now();
        let answer = api.try_get(&format!("/api/v1/packages/kit/{version}/download")).await;
        let is_whole = answer.is_ok();
        if let Ok(answer) = answer {
            assert_eq!(answer.expect_status(200).header("content-type"), "application/gzip");
        }
        got.lock().expect("not poisoned").push(Download { version, at, is_whole });
        if !is_whole {
            return;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

fn by_version<'a>(downloads: impl IntoIterator<Item = &'a Download>) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<_, _> = VERSIONS.iter().map(|version| (*version, 0)).collect();
    for download in downloads {
        *counts.entry(download.version).or_default() += 1;
    }
    counts
}

/// The download count of a version over all days, according to the registry.
async fn told(api: &Api, version: &str) -> u64 {
    let answer = api.get(&format!("/api/v1/packages/kit/downloads?version={version}")).await.expect_status(200).json();
    let days = answer["days"].as_array().expect("a list").iter().map(|day| day["downloads"].as_u64());
    assert_eq!(days.sum::<Option<u64>>(), answer["total"].as_u64(), "{answer}");
    answer["total"].as_u64().expect("a number")
}

/// The download count over all versions and days, according to the database.
pub(crate) async fn counted(database: &Client) -> u64 {
    let sum = database.query_one("SELECT coalesce(sum(downloads), 0)::bigint FROM download_days", &[]).await;
    sum.expect("an answer").get::<_, i64>(0).try_into().expect("not negative")
}

async fn publish_all(server: &Server) {
    let ada = server.user("ada").await;
    for version in VERSIONS {
        ada.publish(&Package::new("kit", version).aam(), &[]).await.expect_status(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_download_counts_once_where_servers_end_in_good_order() {
    let stores = Stores::start().await;
    let mut servers = Vec::from(replicas::<3>(&stores.settings()).await);
    publish_all(&servers[0]).await;
    let mut got = Vec::new();
    for _ in 0..2 {
        let clients: Vec<_> = servers.iter().map(|server| Clients::start(&server.anonymous())).collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Two servers stop at the same time while their clients continue as long as they can; the third
        // stops a little later.
        let ended = join_all(servers.drain(..).map(Server::terminate)).await;
        for clients in clients {
            got.extend(clients.stop().await);
        }
        for (stopped, status) in ended {
            assert_eq!(status.code(), Some(0), "{}", stopped.log());
            servers.push(stopped.start().await);
        }
    }
    let whole: Vec<_> = got.iter().filter(|download| download.is_whole).collect();
    report(format_args!("{} downloads", whole.len()));
    assert!(whole.len() > 500, "too few downloads to mean anything");
    for (version, times) in by_version(whole.iter().copied()) {
        assert_eq!(told(&servers[1].anonymous(), version).await, times, "{version}");
    }
    let whole = u64::try_from(whole.len()).expect("few");
    assert_eq!(counted(&stores.database.client().await).await, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_takes_at_most_its_last_seconds_with_it() {
    let stores = Stores::start().await;
    let [first, second, third] = replicas::<3>(&stores.settings()).await;
    publish_all(&first).await;
    let clients = [&first, &second, &third].map(|server| Clients::start(&server.anonymous()));
    let [of_first, of_second, of_third] = clients;
    tokio::time::sleep(Duration::from_secs(9)).await;
    let killed_at = Instant::now();
    let killed = first.kill();
    let lost = of_first.stop().await;
    let (ended, _) = second.terminate().await;
    let mut kept = of_second.stop().await;
    kept.extend(of_third.stop().await);
    let (_, status) = third.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", ended.log());

    let server = killed.start().await;
    check_counts(&server.anonymous(), &kept, &lost, killed_at).await;
}

/// The counts contain all of `kept`, and all of `lost` except those of the last seconds.
async fn check_counts(api: &Api, kept: &[Download], lost: &[Download], killed_at: Instant) {
    let whole = |downloads: &[Download]| by_version(downloads.iter().filter(|download| download.is_whole));
    let all_of = by_version(lost);
    let early = lost.iter().filter(|download| download.is_whole && killed_at - download.at > LAST_SECONDS);
    let (kept, early) = (whole(kept), by_version(early));
    for version in VERSIONS {
        let told = told(api, version).await;
        let (least, most) = (kept[version] + early[version], kept[version] + all_of[version]);
        report(format_args!("{version}: {told} counted of {least} to {most}"));
        assert!(early[version] > 0, "the test met no flush");
        assert!((least..=most).contains(&told), "{version}: {told} counted, not {least} to {most}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_one_machine_too() {
    let server = Server::start_on(Settings::default()).await;
    publish_all(&server).await;
    let clients = Clients::start(&server.anonymous());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (stopped, status) = server.terminate().await;
    assert_eq!(status.code(), Some(0));
    let kept = clients.stop().await;
    let server = stopped.start().await;
    for (version, times) in by_version(kept.iter().filter(|download| download.is_whole)) {
        assert_eq!(told(&server.anonymous(), version).await, times, "{version}");
    }

    let clients = Clients::start(&server.anonymous());
    tokio::time::sleep(Duration::from_secs(9)).await;
    let killed_at = Instant::now();
    let killed = server.kill();
    let lost = clients.stop().await;
    let server = killed.start().await;
    let kept: Vec<_> = kept.into_iter().filter(|download| download.is_whole).collect();
    check_counts(&server.anonymous(), &kept, &lost, killed_at).await;
    let day: Value = server.anonymous().get("/api/v1/packages/kit/downloads").await.json();
    assert!(day["days"].as_array().is_some_and(|days| (1..=2).contains(&days.len())), "{day}");
}
