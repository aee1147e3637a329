use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::downloads::registry_with;
use crate::{
    bench::Bench,
    error::{Failure, Result},
    load::{Connections, Downloads, Request, Tool},
    measure::{Contender, Goal, Metric, Row, Sample},
    process::{Memory, memory as memory_of, open_files},
    scale::{self, Dataset, Size},
    server::{Launcher, Registry, Setup},
};

/// The goals in megabytes.
const IDLE: f64 = 40.0;
const CONNECTED: f64 = 200.0;
/// By which factor many clients may take more memory than few.
const MANY: f64 = 1.25;
/// How many versions are requested until the caches are full.
const CACHED: u64 = 10_000;
/// Files that the server and this program open in addition to connections.
const SPARE: u64 = 500;

const FEW_DOWNLOADS: &str = "8 downloads of 50 MB";
const MANY_DOWNLOADS: &str = "64 downloads of 50 MB";

pub(super) async fn memory(bench: &Bench) -> Result<Row> {
    let mut row = Row::new("memory of the server");
    row.most_rounds = 3;
    let launcher = bench.launcher();
    row.contenders.push(Box::new(Idle(Arc::clone(&launcher))));
    row.goals.push(Goal::at_most(Metric::ResidentMegabytes, "idle", IDLE));

    let size = Size::of_versions(CACHED);
    let data = scale::on_sqlite(bench, size).await?;
    let versions = Dataset::new(size).spread();
    let download = |(name, version): &(String, String)| format!("/api/v1/packages/{name}/{version}/download");
    let document = |(name, version): &(String, String)| format!("/api/v1/packages/{name}/{version}");
    let paths: Vec<_> = versions.iter().flat_map(|one| [download(one), document(one)]).collect();
    for (name, count) in [("1,000 connections, caches full", 1_000), ("10,000 connections, caches full", 10_000)] {
        if open_files() < count + SPARE {
            row.absent.push(format!("{name}: a process may open {} files here", open_files()));
            continue;
        }
        row.contenders.push(Box::new(Connected {
            name,
            count: usize::try_from(count).unwrap_or(usize::MAX),
            tool: bench.wrk()?,
            paths: paths.clone(),
            data: data.clone(),
            launcher: Arc::clone(&launcher),
        }));
        if count == 1_000 {
            row.goals.push(Goal::at_most(Metric::ResidentMegabytes, name, CONNECTED));
        }
    }

    for (name, clients) in [(FEW_DOWNLOADS, 8), (MANY_DOWNLOADS, 64)] {
        let (registry, path) = registry_with(bench, &Setup::default(), 50_000_000).await?;
        row.contenders.push(Box::new(Downloading { name, clients, registry, path }));
    }
    row.goals.push(Goal::at_most(Metric::ResidentMegabytes, MANY_DOWNLOADS, MANY).times(FEW_DOWNLOADS));
    Ok(row)
}

/// A server that was just started and answered one request.
struct Idle(Arc<Launcher>);

#[async_trait]
impl Contender for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let registry = self.0.start(&Setup::default()).await?;
        registry.get("/health").await?;
        tokio::time::sleep(time).await;
        Ok(sample(held(&registry)?))
    }
}

/// A server with full caches to which many clients are connected.
struct Connected {
    name: &'static str,
    count: usize,
    tool: Tool,
    paths: Vec<String>,
    data: PathBuf,
    launcher: Arc<Launcher>,
}

#[async_trait]
impl Contender for Connected {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let registry = self.launcher.start(&Setup::default().in_folder(&self.data)).await?;
        let request = Request::new(registry.base(), "/", 32).with_paths(self.paths.clone());
        self.tool.load(&request, time.max(Duration::from_secs(2))).await?;
        let _connections = Connections::open(registry.port(), "/health", self.count).await?;
        tokio::time::sleep(time).await;
        Ok(sample(held(&registry)?))
    }

    async fn warm_up(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }
}

/// A server from which many clients download concurrently; measures its maximum memory.
struct Downloading {
    name: &'static str,
    clients: usize,
    registry: Registry,
    path: String,
}

#[async_trait]
impl Contender for Downloading {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let mut downloads = Downloads::start(self.registry.port(), &self.path, self.clients);
        let until = Instant::now() + time;
        let mut most = Memory::default();
        while Instant::now() < until {
            downloads.go_on(Duration::from_millis(50)).await?;
            let now = held(&self.registry)?;
            most = Memory { resident: most.resident.max(now.resident), anonymous: most.anonymous.max(now.anonymous) };
        }
        Ok(sample(most))
    }
}

fn held(registry: &Registry) -> Result<Memory> {
    memory_of(registry.pid()).ok_or_else(|| Failure::Other("the server's memory cannot be read".to_owned()))
}

#[expect(clippy::cast_precision_loss, reason = "memory has fewer than 2^52 bytes")]
fn sample(memory: Memory) -> Sample {
    Sample::default()
        .with(Metric::ResidentMegabytes, memory.resident as f64 / 1e6)
        .with(Metric::AnonymousMegabytes, memory.anonymous as f64 / 1e6)
}
