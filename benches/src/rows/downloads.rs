use super::contest::{add_registry, add_yardsticks, work_of};
use crate::{
    OURS,
    archive::Archives,
    bench::Bench,
    error::Result,
    measure::{Goal, Metric, Row},
    server::{Registry, Setup},
    yardsticks::Kind,
};

/// The package that is downloaded; its publisher owns the scope.
const NAME: &str = "@bench/download";
const VERSION: &str = "1.0.0";

/// Starts a registry with an archive of about `size` bytes; returns the path of its download.
pub(super) async fn registry_with(bench: &Bench, setup: &Setup, size: usize) -> Result<(Registry, String)> {
    let registry = bench.start(setup).await?;
    let archive = Archives::of_size(size).pack(NAME, VERSION)?;
    registry.register("bench").await?.publish(archive).await?;
    Ok((registry, format!("/api/v1/packages/{NAME}/{VERSION}/download")))
}

pub(super) async fn small(bench: &Bench) -> Result<Row> {
    let kinds = [Kind::Nginx, Kind::RawLoop, Kind::Hyper, Kind::Verdaccio, Kind::Distribution];
    let mut row = plain(bench, "download 12 KB, 32 connections", 12_000, 32, &kinds).await?;
    row.goals.extend([
        rate(1.1, Kind::Nginx),
        Goal::at_most(Metric::CpuMicroseconds, OURS, 0.8).times(Kind::Nginx.name()),
        Goal::at_most(Metric::P99Microseconds, OURS, 1.0).times(Kind::Nginx.name()),
        rate(0.95, Kind::RawLoop),
        rate(0.95, Kind::Hyper),
        rate(45.0, Kind::Verdaccio),
        rate(90.0, Kind::Distribution),
    ]);
    Ok(row)
}

pub(super) async fn medium(bench: &Bench) -> Result<Row> {
    let kinds = [Kind::Nginx, Kind::RawLoop, Kind::Hyper, Kind::Distribution];
    let mut row = plain(bench, "download 1 MB, 16 connections", 1_000_000, 16, &kinds).await?;
    row.goals.push(rate(1.1, Kind::Nginx));
    Ok(row)
}

pub(super) async fn large(bench: &Bench) -> Result<Row> {
    let kinds = [Kind::Nginx, Kind::RawLoop, Kind::Hyper, Kind::Distribution];
    let mut row = plain(bench, "download 50 MB, 4 connections", 50_000_000, 4, &kinds).await?;
    row.goals.push(rate(1.8, Kind::Nginx));
    Ok(row)
}

pub(super) async fn not_modified(bench: &Bench) -> Result<Row> {
    let (registry, path) = registry_with(bench, &Setup::default(), 12_000).await?;
    let etag = registry.get(&path).await?.header("etag").to_owned();
    let asked = [("If-None-Match".to_owned(), etag)];
    conditional(bench, "304 for 12 KB, 32 connections", registry, &path, &asked).await
}

pub(super) async fn range(bench: &Bench) -> Result<Row> {
    let (registry, path) = registry_with(bench, &Setup::default(), 1_000_000).await?;
    let asked = [("Range".to_owned(), "bytes=500000-511999".to_owned())];
    conditional(bench, "12 KB of 1 MB by Range, 32 connections", registry, &path, &asked).await
}

async fn plain(bench: &Bench, title: &str, size: usize, connections: u32, kinds: &[Kind]) -> Result<Row> {
    let tool = bench.wrk()?;
    let (registry, path) = registry_with(bench, &Setup::default(), size).await?;
    let work = work_of(&registry, &path, &[]).await?;
    let mut row = Row::new(title);
    add_yardsticks(&mut row, bench, &work, kinds, (&tool, connections)).await;
    add_registry(&mut row, registry, &work, (&tool, connections));
    Ok(row)
}

async fn conditional(
    bench: &Bench,
    title: &str,
    registry: Registry,
    path: &str,
    asked: &[(String, String)],
) -> Result<Row> {
    let tool = bench.wrk()?;
    let work = work_of(&registry, path, asked).await?;
    let mut row = Row::new(title);
    add_yardsticks(&mut row, bench, &work, &[Kind::Nginx, Kind::Hyper], (&tool, 32)).await;
    add_registry(&mut row, registry, &work, (&tool, 32));
    row.goals.push(rate(1.1, Kind::Nginx));
    Ok(row)
}

fn rate(least: f64, yardstick: Kind) -> Goal {
    Goal::at_least(Metric::RequestsPerSecond, OURS, least).times(yardstick.name())
}
