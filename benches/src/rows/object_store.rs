use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use tempfile::TempDir;

use crate::{
    OURS,
    archive::Archives,
    bench::Bench,
    error::{Failure, Result},
    load::{Fetcher, percentile},
    measure::{Contender, Goal, Metric, Row, Sample},
    server::{Launcher, Registry, Setup},
    services::ObjectStore,
};

const DIRECT: &str = "the store itself";
const SMALL: usize = 1_000_000;
const LARGE: usize = 50_000_000;
/// How many archives of 1 MB are downloaded once to measure the time to the first byte.
const SMALL_ONES: usize = 10;
/// Clients that request the same archive concurrently.
const AT_ONCE: usize = 16;
/// How many microseconds later than the store's own the first byte may come.
const LATER: f64 = 1_000.0;
/// The part of the store's throughput that is the goal.
const THROUGHPUT: f64 = 0.9;
/// One download from the store, and a few bytes of response heads.
const ONE_FETCH: f64 = 1.01;

pub(super) async fn cold(bench: &Bench) -> Result<Row> {
    let mut row = Row::new("archives on S3 that were never asked for: first byte of 1 MB, throughput of 50 MB");
    let (store, data) = (Arc::new(ObjectStore::start(bench).await?), bench.folder("cold")?);
    let setup = store.configure(Setup::default().in_folder(data.path()));
    let registry = match bench.start(&setup).await {
        Ok(registry) => registry,
        Err(failure) => return Err(Failure::Absent(failure.to_string())),
    };
    let published = publish(&registry, &store).await?;
    registry.kill().await?;
    row.contenders.push(Box::new(Direct { store: Arc::clone(&store), paths: published.stored }));
    row.contenders.push(Box::new(Cold { launcher: bench.launcher(), setup, store, data, paths: published.served }));
    row.goals.extend([
        Goal::at_most(Metric::FirstByteMicroseconds, OURS, LATER).more_than(DIRECT),
        Goal::at_least(Metric::MegabytesPerSecond, OURS, THROUGHPUT).times(DIRECT),
        Goal::at_most(Metric::FetchedFromStore, OURS, ONE_FETCH),
    ]);
    Ok(row)
}

/// The paths of archives.
#[derive(Debug, Default)]
struct Paths {
    small: Vec<String>,
    large: String,
    /// A large archive that many clients request concurrently.
    shared: String,
}

struct Published {
    stored: Paths,
    served: Paths,
}

async fn publish(registry: &Registry, store: &ObjectStore) -> Result<Published> {
    let account = registry.register("bench").await?;
    let mut pairs = Vec::new();
    for (name, size, count) in [("small", SMALL, SMALL_ONES), ("large", LARGE, 2)] {
        let archives = Archives::of_size(size);
        for minor in 0..count {
            let version = format!("1.{minor}.0");
            let archive = archives.pack(&format!("@bench/{name}"), &version)?;
            account.publish(archive.clone()).await?;
            let served = format!("/api/v1/packages/@bench/{name}/{version}/download");
            pairs.push((store.path_of(&archive)?, served));
        }
    }
    let (stored, served): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let paths = |mut all: Vec<String>| {
        let shared = all.pop().unwrap_or_default();
        Paths { large: all.pop().unwrap_or_default(), small: all, shared }
    };
    Ok(Published { stored: paths(stored), served: paths(served) })
}

/// The store, accessed directly by the clients.
struct Direct {
    store: Arc<ObjectStore>,
    paths: Paths,
}

#[async_trait]
impl Contender for Direct {
    fn name(&self) -> &'static str {
        DIRECT
    }

    async fn measure(&mut self, _: Duration) -> Result<Sample> {
        fetch(self.store.port(), &self.paths).await
    }
}

/// The registry, restarted with empty archive caches.
struct Cold {
    launcher: Arc<Launcher>,
    setup: Setup,
    store: Arc<ObjectStore>,
    data: TempDir,
    paths: Paths,
}

#[async_trait]
impl Contender for Cold {
    fn name(&self) -> &'static str {
        OURS
    }

    async fn measure(&mut self, _: Duration) -> Result<Sample> {
        forget(self.data.path()).map_err(Failure::io("what the registry keeps"))?;
        let registry = self.launcher.start(&self.setup).await?;
        let sample = fetch(registry.port(), &self.paths).await?;
        let before = self.store.sent().await?;
        let clients = (0..AT_ONCE).map(|_| async {
            let mut fetcher = Fetcher::connect(registry.port()).await?;
            fetcher.get(&self.paths.shared).await
        });
        let fetched = try_join_all(clients).await?;
        let sent = self.store.sent().await? - before;
        registry.kill().await?;
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 bytes")]
        let times = sent as f64 / fetched.first().map_or(1, |one| one.bytes.max(1)) as f64;
        Ok(sample.with(Metric::FetchedFromStore, times))
    }
}

async fn fetch(port: u16, paths: &Paths) -> Result<Sample> {
    let mut fetcher = Fetcher::connect(port).await?;
    let mut first_bytes = Vec::new();
    for path in &paths.small {
        first_bytes.push(fetcher.get(path).await?.first_byte);
    }
    first_bytes.sort_unstable();
    let large = fetcher.get(&paths.large).await?;
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 bytes")]
    let megabytes = large.bytes as f64 / 1e6;
    Ok(Sample::default()
        .with(Metric::FirstByteMicroseconds, percentile(&first_bytes, 50).as_secs_f64() * 1e6)
        .with(Metric::MegabytesPerSecond, megabytes / large.whole.as_secs_f64()))
}

/// Removes everything from a data folder except the database.
fn forget(data: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let path: PathBuf = entry.path();
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(path)?;
        } else if !entry.file_name().to_string_lossy().starts_with("registry.db") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
