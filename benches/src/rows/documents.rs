use super::contest::{add_registry, add_yardsticks, work_of};
use crate::{
    OURS,
    archive::Archives,
    bench::Bench,
    error::Result,
    measure::{Goal, Metric, Row},
    server::Setup,
    yardsticks::Kind,
};

const NAME: &str = "@bench/metadata";
const CONNECTIONS: u32 = 32;

pub(super) async fn version(bench: &Bench) -> Result<Row> {
    document(bench, "JSON of a version", &format!("/api/v1/packages/{NAME}/1.9.0")).await
}

pub(super) async fn package(bench: &Bench) -> Result<Row> {
    document(bench, "JSON of a package with 10 versions", &format!("/api/v1/packages/{NAME}")).await
}

async fn document(bench: &Bench, title: &str, path: &str) -> Result<Row> {
    let tool = bench.wrk()?;
    let registry = bench.start(&Setup::default()).await?;
    let (account, archives) = (registry.register("bench").await?, Archives::of_size(12_000));
    for minor in 0..10 {
        account.publish(archives.pack(NAME, &format!("1.{minor}.0"))?).await?;
    }
    let work = work_of(&registry, path, &[]).await?;
    let size = work.answer.body.len();
    let mut row = Row::new(format!("{title}, {size} bytes, {CONNECTIONS} connections"));
    add_yardsticks(&mut row, bench, &work, &[Kind::Nginx, Kind::Hyper], (&tool, CONNECTIONS)).await;
    add_registry(&mut row, registry, &work, (&tool, CONNECTIONS));
    row.goals.push(Goal::at_least(Metric::RequestsPerSecond, OURS, 1.1).times(Kind::Nginx.name()));
    Ok(row)
}
