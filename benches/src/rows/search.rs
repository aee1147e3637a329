use crate::{
    bench::Bench,
    error::Result,
    load::{Loaded, Request},
    measure::{Goal, Metric, Row},
    scale::{self, Queries},
    server::Setup,
};

const CONNECTIONS: u32 = 4;
/// What 99 of 100 searches stay below, in microseconds.
const GOAL: f64 = 10_000.0;

pub(super) async fn words(bench: &Bench) -> Result<Row> {
    search(bench, "searches by words", Queries::Words).await
}

pub(super) async fn typos(bench: &Bench) -> Result<Row> {
    search(bench, "searches with a typo", Queries::Typos).await
}

pub(super) async fn lists(bench: &Bench) -> Result<Row> {
    search(bench, "listings", Queries::Lists).await
}

async fn search(bench: &Bench, what: &str, queries: Queries) -> Result<Row> {
    let (tool, size) = (bench.wrk()?, bench.scale());
    let mut row = Row::new(format!("{what} over {} packages, {size}, {CONNECTIONS} connections", size.packages));
    let data = scale::on_sqlite(bench, size).await?;
    let registry = bench.start(&Setup::default().in_folder(data)).await?;
    let name = "SQLite";
    let request = Request::new(registry.base(), "/", CONNECTIONS).with_paths(queries.paths());
    row.contenders.push(Box::new(Loaded { name: name.to_owned(), pid: registry.pid(), tool, request }));
    row.keep(registry);
    row.goals.push(Goal::at_most(Metric::P99Microseconds, name, GOAL));
    Ok(row)
}
