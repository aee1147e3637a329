use super::{
    contest::{add_registry, add_yardsticks, work_of},
    downloads::registry_with,
};
use crate::{
    bench::Bench,
    error::Result,
    measure::Row,
    server::Setup,
    yardsticks::{Kind, Protocol},
};

/// Concurrent requests.
const AT_ONCE: u32 = 32;

pub(super) async fn http2(bench: &Bench) -> Result<Row> {
    let title = "download 12 KB over HTTP/2, 8 connections of 4 streams";
    download(bench, title, Protocol::Http2, &[Kind::Nginx, Kind::Hyper]).await
}

pub(super) async fn tls(bench: &Bench) -> Result<Row> {
    download(bench, "download 12 KB over TLS, 32 connections", Protocol::Http1Tls, &[Kind::Nginx]).await
}

pub(super) async fn http2_tls(bench: &Bench) -> Result<Row> {
    let title = "download 12 KB over HTTP/2 and TLS, 8 connections of 4 streams";
    download(bench, title, Protocol::Http2Tls, &[Kind::Nginx]).await
}

async fn download(bench: &Bench, title: &str, protocol: Protocol, kinds: &[Kind]) -> Result<Row> {
    let tool = if protocol.is_http2() { bench.h2load()? } else { bench.wrk()? };
    let certificate = bench.certificate();
    let setup = Setup::default();
    let setup = if protocol.is_tls() { setup.with_tls(&certificate.chain, &certificate.key) } else { setup };
    let (registry, path) = registry_with(bench, &setup, 12_000).await?;
    let work = work_of(&registry, &path, &[]).await?.over(protocol);
    let mut row = Row::new(title);
    add_yardsticks(&mut row, bench, &work, kinds, (&tool, AT_ONCE)).await;
    add_registry(&mut row, registry, &work, (&tool, AT_ONCE));
    Ok(row)
}
