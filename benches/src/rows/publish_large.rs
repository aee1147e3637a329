use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{
    OURS,
    archive::Archives,
    bench::Bench,
    error::{Failure, Result},
    load::{Publishing, publish_all},
    measure::{Contender, Goal, Metric, Row, Sample},
    process::cpu_time,
    server::{Registry, Setup},
};

const SIZE: usize = 50_000_000;
/// The goal as a part of the throughput of copying, hashing and syncing a file.
const GOAL: f64 = 0.7;
const SYNCED: &str = "copy, hash and sync";
const CHUNK: usize = 256 * 1024;

pub(super) async fn large(bench: &Bench) -> Result<Row> {
    let mut row = Row::new("publish 50 MB, durable, one client");
    let archives = Archives::of_size(SIZE);
    let folder = bench.folder("copies")?;
    fs::write(folder.path().join("original"), archives.pack("@bench/large", "0.1.0")?)
        .map_err(Failure::io("the file to copy"))?;
    row.contenders.push(Box::new(Copier { name: "copy and hash", folder: folder.path().to_owned(), is_synced: false }));
    row.contenders.push(Box::new(Copier { name: SYNCED, folder: folder.path().to_owned(), is_synced: true }));
    row.keep(folder);
    let registry = bench.start(&Setup::default()).await?;
    let token = registry.register("bench").await?.token().to_owned();
    row.contenders.push(Box::new(Publisher { registry, token, archives, round: 0 }));
    row.goals.push(Goal::at_least(Metric::MegabytesPerSecond, OURS, GOAL).times(SYNCED));
    Ok(row)
}

struct Publisher {
    registry: Registry,
    token: String,
    archives: Archives,
    round: u32,
}

#[async_trait]
impl Contender for Publisher {
    fn name(&self) -> &'static str {
        OURS
    }

    async fn measure(&mut self, _: Duration) -> Result<Sample> {
        self.round += 1;
        let archive: Bytes = self.archives.pack("@bench/large", &format!("1.{}.0", self.round))?;
        let to = Publishing { port: self.registry.port(), token: self.token.clone(), clients: 1 };
        let before = cpu_time(self.registry.pid());
        let seen = publish_all(&to, std::slice::from_ref(&archive), Duration::ZERO).await?;
        let cpu = cpu_time(self.registry.pid()).saturating_sub(before);
        Ok(speed(archive.len(), seen.p50).with_cpu(cpu, seen.requests))
    }
}

/// Copies and hashes the archive's file in this program.
struct Copier {
    name: &'static str,
    folder: PathBuf,
    is_synced: bool,
}

#[async_trait]
impl Contender for Copier {
    fn name(&self) -> &str {
        self.name
    }

    async fn measure(&mut self, _: Duration) -> Result<Sample> {
        let (folder, is_synced) = (self.folder.clone(), self.is_synced);
        let copied = tokio::task::spawn_blocking(move || copy(&folder, is_synced)).await;
        let copied = copied.map_err(|error| Failure::Other(error.to_string()))?;
        let (bytes, time) = copied.map_err(Failure::io("a file cannot be copied"))?;
        Ok(speed(bytes, time))
    }
}

fn speed(bytes: usize, time: Duration) -> Sample {
    #[expect(clippy::cast_precision_loss, reason = "smaller than 2^52 bytes")]
    let megabytes = bytes as f64 / 1e6;
    Sample::default().with(Metric::MegabytesPerSecond, megabytes / time.as_secs_f64())
}

/// Copies once; returns the number of bytes and how long it took.
fn copy(folder: &Path, is_synced: bool) -> io::Result<(usize, Duration)> {
    let (part, path) = (folder.join("copy.part"), folder.join("copy"));
    let start = Instant::now();
    let (mut from, mut to) = (File::open(folder.join("original"))?, File::create(&part)?);
    let (mut chunk, mut hasher, mut bytes) = (vec![0; CHUNK], Sha256::new(), 0);
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hasher.update(&chunk[..read]);
        to.write_all(&chunk[..read])?;
        bytes += read;
    }
    std::hint::black_box(hasher.finalize());
    if is_synced {
        to.sync_all()?;
        fs::rename(&part, &path)?;
        File::open(folder)?.sync_all()?;
    }
    let time = start.elapsed();
    fs::remove_file(if is_synced { &path } else { &part })?;
    Ok((bytes, time))
}
