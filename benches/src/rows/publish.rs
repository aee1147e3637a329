use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::TempDir;

use crate::{
    archive::Archives,
    bench::Bench,
    error::{Failure, Result},
    load::{Observed, Publishing, percentile, publish_all},
    measure::{Contender, Goal, Metric, Row, Sample},
    process::cpu_time,
    server::{Registry, Setup},
    services::Postgres,
};

const CLIENTS: usize = 16;
const SIZE: usize = 12_000;
/// The number of packages to which the versions belong.
const PACKAGES: usize = 200;
/// More publishes than can be made in a second.
const A_SECOND: u64 = 2_000;
/// The goal in publishes per second.
const GOAL: f64 = 1_000.0;

pub(super) async fn small(bench: &Bench) -> Result<Row> {
    let mut row = Row::new(format!("publish 12 KB, durable, {CLIENTS} clients"));
    row.contenders.push(Box::new(Synced { folder: bench.folder("synced")?, round: 0 }));
    for name in ["SQLite", "PostgreSQL"] {
        row.goals.push(Goal::at_least(Metric::RequestsPerSecond, name, GOAL));
    }
    row.contenders.push(Box::new(Publisher::start(bench, "SQLite", &Setup::default()).await?));
    match on_postgres(bench, &mut row).await {
        Ok(publisher) => row.contenders.push(Box::new(publisher)),
        Err(failure) => row.absent.push(format!("PostgreSQL: {failure}")),
    }
    Ok(row)
}

async fn on_postgres(bench: &Bench, row: &mut Row) -> Result<Publisher> {
    let postgres = Postgres::start(bench).await?;
    let setup = Setup::default().with("DATABASE_URL", postgres.new_database("publish").await?);
    bench.launcher().run(&setup, &["migrate"]).await?;
    let publisher = Publisher::start(bench, "PostgreSQL", &setup).await?;
    row.keep(postgres);
    Ok(publisher)
}

/// A registry to which versions of many packages are published.
struct Publisher {
    name: &'static str,
    registry: Registry,
    token: String,
    archives: Archives,
    round: u32,
}

impl Publisher {
    async fn start(bench: &Bench, name: &'static str, setup: &Setup) -> Result<Self> {
        let registry = bench.start(setup).await?;
        let token = registry.register("bench").await?.token().to_owned();
        Ok(Self { name, registry, token, archives: Archives::of_size(SIZE), round: 0 })
    }

    /// Packs new versions of each package in turn.
    fn pack(&self, count: u64) -> Result<Vec<Bytes>> {
        let indices = (0..PACKAGES).cycle().zip(0..count);
        let pack = |(package, at): (usize, u64)| {
            let minor = at / PACKAGES as u64;
            self.archives.pack(&format!("@bench/package-{package}"), &format!("{}.{minor}.0", self.round))
        };
        indices.map(pack).collect()
    }
}

#[async_trait]
impl Contender for Publisher {
    fn name(&self) -> &str {
        self.name
    }

    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        self.round += 1;
        let archives = self.pack(A_SECOND * time.as_secs().max(1))?;
        let to = Publishing { port: self.registry.port(), token: self.token.clone(), clients: CLIENTS };
        let before = cpu_time(self.registry.pid());
        let seen = publish_all(&to, &archives, time).await?;
        let cpu = cpu_time(self.registry.pid()).saturating_sub(before);
        Ok(sample(&seen).with_cpu(cpu, seen.requests))
    }
}

fn sample(seen: &Observed) -> Sample {
    Sample::default().with(Metric::RequestsPerSecond, seen.requests_per_second).with_latencies(seen.p50, seen.p99)
}

/// The limit of the disk: as many threads as there are clients write files durably, with a sync of each
/// file and of its folder. The files are deleted only at the end: for minutes after a file was deleted,
/// ext4 searches past its inode for each new one, which would slow the other contenders too.
struct Synced {
    folder: TempDir,
    round: u32,
}

#[async_trait]
impl Contender for Synced {
    fn name(&self) -> &'static str {
        "files synced"
    }

    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        self.round += 1;
        let folder = self.folder.path().join(self.round.to_string());
        let start = Instant::now();
        let writers: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let folder = folder.join(client.to_string());
                tokio::task::spawn_blocking(move || write_for(&folder, time))
            })
            .collect();
        let mut latencies = Vec::new();
        for writer in writers {
            let written = writer.await.map_err(|error| Failure::Other(error.to_string()))?;
            latencies.extend(written.map_err(Failure::io("a file cannot be synced"))?);
        }
        let elapsed = start.elapsed();
        latencies.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 files")]
        let requests = latencies.len() as f64;
        Ok(sample(&Observed {
            requests,
            requests_per_second: requests / elapsed.as_secs_f64(),
            p50: percentile(&latencies, 50),
            p99: percentile(&latencies, 99),
        }))
    }
}

fn write_for(folder: &Path, time: Duration) -> io::Result<Vec<Duration>> {
    fs::create_dir_all(folder)?;
    let bytes = vec![b'x'; SIZE];
    let (mut latencies, end) = (Vec::new(), Instant::now() + time);
    while latencies.is_empty() || Instant::now() < end {
        let start = Instant::now();
        let path = folder.join(latencies.len().to_string());
        write_durably(&path, &bytes)?;
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}

/// Writes a file as the registry does: under another name, synced, renamed, with its folder synced.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part: PathBuf = path.with_extension("part");
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
