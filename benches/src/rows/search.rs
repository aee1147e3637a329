use crate::{
    bench::Bench,
    error::Result,
    load::{Loaded, Request, Tool},
    measure::{Goal, Metric, Row},
    scale::{self, Queries},
    server::{Registry, Setup},
    services::Postgres,
};

const SQLITE: &str = "SQLite";
const POSTGRES: &str = "PostgreSQL";
const CONNECTIONS: u32 = 4;
/// A search while the registry starts waits until the index is built.
const FIRST: &str = "/api/v1/packages?limit=1";
/// The goal for the 99th percentile of searches, in microseconds.
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
    for name in [SQLITE, POSTGRES] {
        row.goals.push(Goal::at_most(Metric::P99Microseconds, name, GOAL));
    }
    let data = scale::on_sqlite(bench, size).await?;
    let registry = bench.start(&Setup::default().in_folder(data)).await?;
    registry.get(FIRST).await?;
    contend(&mut row, SQLITE, registry, &tool, queries);
    match on_postgres(bench, &mut row).await {
        Ok(registry) => contend(&mut row, POSTGRES, registry, &tool, queries),
        Err(failure) => row.absent.push(format!("{POSTGRES}: {failure}")),
    }
    Ok(row)
}

async fn on_postgres(bench: &Bench, row: &mut Row) -> Result<Registry> {
    let postgres = Postgres::start_kept(bench).await?;
    let url = scale::on_postgres(bench, &postgres, bench.scale()).await?;
    let registry = bench.start(&Setup::default().with("DATABASE_URL", url)).await?;
    registry.get(FIRST).await?;
    row.keep(postgres);
    Ok(registry)
}

fn contend(row: &mut Row, name: &str, registry: Registry, tool: &Tool, queries: Queries) {
    let request = Request::new(registry.base(), "/", CONNECTIONS).with_paths(queries.paths());
    let (pid, tool) = (registry.pid(), tool.clone());
    row.contenders.push(Box::new(Loaded { name: name.to_owned(), pid, tool, request }));
    row.keep(registry);
}
