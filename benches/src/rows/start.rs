use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::growth::sizes;
use crate::{
    bench::Bench,
    error::Result,
    measure::{Contender, Goal, Metric, Row, Sample},
    scale,
    server::{Launcher, Setup},
};

/// The goal for the time until a server is ready, in milliseconds.
const GOAL: f64 = 150.0;

/// A registry of one size that is started repeatedly.
struct Started {
    name: String,
    launcher: Arc<Launcher>,
    data: Option<PathBuf>,
}

pub(super) async fn start(bench: &Bench) -> Result<Row> {
    let mut row = Row::new("start until /ready, SQLite");
    let mut contend = |name: String, data: Option<PathBuf>| {
        row.goals.push(Goal::at_most(Metric::ReadyMilliseconds, &name, GOAL));
        row.contenders.push(Box::new(Started { name, launcher: bench.launcher(), data }));
    };
    contend("an empty folder".to_owned(), None);
    for size in sizes(bench.scale()) {
        contend(size.to_string(), Some(scale::on_sqlite(bench, size).await?));
    }
    Ok(row)
}

#[async_trait]
impl Contender for Started {
    fn name(&self) -> &str {
        &self.name
    }

    async fn measure(&mut self, _: Duration) -> Result<Sample> {
        let setup = match &self.data {
            Some(data) => Setup::default().in_folder(data),
            None => Setup::default(),
        };
        let registry = self.launcher.start(&setup).await?;
        let ready_after = registry.ready_after();
        registry.kill().await?;
        Ok(Sample::default().with(Metric::ReadyMilliseconds, ready_after.as_secs_f64() * 1e3))
    }
}
