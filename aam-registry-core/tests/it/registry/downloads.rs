use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aam_registry_core::{
    Error, ErrorCode, Result,
    error::Outcome,
    memory::MemoryMetadata,
    ports::DownloadStore,
    types::{ArchiveLocation, DayDownloads, DownloadBatch, DownloadQuery, VersionStatus},
};
use async_trait::async_trait;
use jiff::civil::{Date, date};

use super::world::{World, name, version};

fn query(package: &str, of: Option<&str>, from: Date, to: Date) -> DownloadQuery {
    DownloadQuery { package: name(package), version: of.map(version), from, to }
}

fn january(package: &str) -> DownloadQuery {
    query(package, None, date(2026, 1, 1), date(2026, 2, 28))
}

#[tokio::test]
async fn downloads_count_by_version_and_utc_day() {
    let world = World::new();
    let ada = world.user("ada").await;
    for number in ["1.0.0", "1.1.0"] {
        world.published(&ada, "greet-kit", number).await;
    }
    let package = name("greet-kit");
    let old = world.view().locate(&package, &version("1.0.0")).await.expect("version");
    let new = world.view().locate(&package, &version("1.1.0")).await.expect("version");
    for detail in [&old, &new, &new] {
        world.registry.count_download(detail);
    }
    // From 23:00 into the next day.
    world.clock.advance(Duration::from_hours(2));
    world.registry.count_download(&new);
    world.registry.flush_downloads().await.expect("flushed");
    world.registry.flush_downloads().await.expect("nothing twice");

    let all = world.view().downloads(&january("greet-kit")).await.expect("downloads");
    assert_eq!(all, DayDownloads::from([(date(2026, 1, 31), 3), (date(2026, 2, 1), 1)]));
    let of_old = query("greet-kit", Some("1.0.0"), date(2026, 1, 1), date(2026, 2, 28));
    let of_old = world.view().downloads(&of_old).await.expect("downloads");
    assert_eq!(of_old, DayDownloads::from([(date(2026, 1, 31), 1)]));

    world.registry.refresh_totals().await.expect("refreshed");
    assert_eq!(world.view().package(&package).await.expect("package").downloads, 4);
    assert_eq!(world.registry.totals().await.expect("totals").downloads, 4);
}

/// Who may see a version that others do not leaves no trace in what others see.
#[tokio::test]
async fn downloads_of_what_others_do_not_see_count_for_nothing() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    let open = world.view().locate(&name("greet-kit"), &version("1.0.0")).await.expect("version");
    for status in VersionStatus::all() {
        let location = ArchiveLocation { status, ..open.clone() };
        world.registry.count_download(&location);
        world.registry.count_in(&world.registry.tally(&location));
    }
    world.registry.flush_downloads().await.expect("flushed");
    let all = world.view().downloads(&january("greet-kit")).await.expect("downloads");
    assert_eq!(all, DayDownloads::from([(date(2026, 1, 31), 2)]), "twice while it was open");
}

#[tokio::test]
async fn a_tally_counts_on_across_midnight() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    let location = world.view().locate(&name("greet-kit"), &version("1.0.0")).await.expect("version");
    let tallies = [world.registry.tally(&location), world.registry.tally(&location)];
    // From 23:00 into the next day.
    for hours in [0, 2] {
        world.clock.advance(Duration::from_hours(hours));
        for tally in [&tallies[0], &tallies[0], &tallies[1]] {
            world.registry.count_in(tally);
        }
    }
    world.registry.flush_downloads().await.expect("flushed");
    let days = world.view().downloads(&january("greet-kit")).await.expect("downloads");
    assert_eq!(days, DayDownloads::from([(date(2026, 1, 31), 3), (date(2026, 2, 1), 3)]));
}

#[tokio::test]
async fn what_does_not_exist_has_no_downloads() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    let code = async |query| world.view().downloads(&query).await.expect_err("refused").code();
    let (first, last) = (date(2026, 1, 1), date(2026, 2, 1));
    assert_eq!(code(query("missing", None, first, last)).await, ErrorCode::PackageNotFound);
    assert_eq!(code(query("greet-kit", Some("9.9.9"), first, last)).await, ErrorCode::VersionNotFound);
    assert_eq!(code(query("greet-kit", None, last, first)).await, ErrorCode::InvalidRequest);
}

/// A store whose next calls fail.
#[derive(Debug)]
struct FaultyDownloads {
    inner: MemoryMetadata,
    outcomes: Mutex<Vec<Outcome>>,
}

#[async_trait]
impl DownloadStore for FaultyDownloads {
    async fn add_downloads(&self, batch: &DownloadBatch) -> Result<()> {
        let outcome = self.outcomes.lock().expect("lock").pop();
        match outcome {
            None => self.inner.add_downloads(batch).await,
            Some(outcome) => {
                if outcome == Outcome::Applied {
                    self.inner.add_downloads(batch).await?;
                }
                Err(Error::database("connection reset", true, outcome))
            }
        }
    }

    async fn refresh_totals(&self) -> Result<()> {
        self.inner.refresh_totals().await
    }

    async fn downloads(&self, query: &DownloadQuery) -> Result<DayDownloads> {
        self.inner.downloads(query).await
    }
}

#[tokio::test]
async fn a_failed_flush_loses_nothing_and_counts_nothing_twice() {
    for (outcome, counted) in [(Outcome::NotApplied, 3), (Outcome::Applied, 3), (Outcome::Unknown, 3)] {
        let world = World::with(|builder, database, _| {
            builder.downloads(FaultyDownloads { inner: database.clone(), outcomes: Mutex::new(vec![outcome]) })
        });
        let ada = world.user("ada").await;
        world.published(&ada, "greet-kit", "1.0.0").await;
        let detail = world.view().locate(&name("greet-kit"), &version("1.0.0")).await.expect("version");
        world.registry.count_download(&detail);
        world.registry.count_download(&detail);
        world.registry.flush_downloads().await.expect_err("the store failed");
        world.registry.count_download(&detail);
        world.registry.flush_downloads().await.expect("flushed");
        let days = world.view().downloads(&january("greet-kit")).await.expect("downloads");
        assert_eq!(days.values().sum::<u64>(), counted, "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_count_while_others_flush() {
    let world = Arc::new(World::new());
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    let detail = Arc::new(world.view().locate(&name("greet-kit"), &version("1.0.0")).await.expect("version"));
    let counted = Arc::new(AtomicU64::new(0));
    let counters = (0..8).map(|_| {
        let (world, detail, counted) = (Arc::clone(&world), Arc::clone(&detail), Arc::clone(&counted));
        tokio::spawn(async move {
            for _ in 0..500 {
                world.registry.count_download(&detail);
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        })
    });
    let counters: Vec<_> = counters.collect();
    while counted.load(Ordering::SeqCst) < 4_000 {
        world.registry.flush_downloads().await.expect("flushed");
        tokio::task::yield_now().await;
    }
    futures_util::future::join_all(counters).await;
    world.registry.flush_downloads().await.expect("flushed");
    let days = world.view().downloads(&january("greet-kit")).await.expect("downloads");
    assert_eq!(days.values().sum::<u64>(), 4_000);
}

#[tokio::test]
async fn the_last_counts_are_stored_when_the_work_ends() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    let detail = world.view().locate(&name("greet-kit"), &version("1.0.0")).await.expect("version");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let registry = world.registry.clone();
    let background = tokio::spawn(async move { registry.run_background(async { drop(stopped.await) }).await });
    tokio::task::yield_now().await;
    world.registry.count_download(&detail);
    stop.send(()).expect("running");
    background.await.expect("the work ends");
    let days = world.view().downloads(&january("greet-kit")).await.expect("downloads");
    assert_eq!(days.values().sum::<u64>(), 1);
}
