use std::{fs, path::PathBuf, time::Duration};

use async_trait::async_trait;

use crate::{
    OURS,
    bench::Bench,
    error::{Failure, Result},
    measure::{Contender, Goal, Metric, Row, Sample},
};

/// How many megabytes the binary may have.
const GOAL: f64 = 40.0;

struct Binary(PathBuf);

pub(super) async fn binary(bench: &Bench) -> Result<Row> {
    let mut row = Row::new("the server's binary");
    row.contenders.push(Box::new(Binary(bench.server().to_owned())));
    row.goals.push(Goal::at_most(Metric::FileMegabytes, OURS, GOAL));
    row.most_rounds = 1;
    Ok(row)
}

#[async_trait]
impl Contender for Binary {
    fn name(&self) -> &str {
        OURS
    }

    async fn measure(&mut self, _: Duration) -> Result<Sample> {
        let size = fs::metadata(&self.0).map_err(Failure::io("the server's binary"))?.len();
        #[expect(clippy::cast_precision_loss, reason = "smaller than 2^52 bytes")]
        let megabytes = size as f64 / 1e6;
        Ok(Sample::default().with(Metric::FileMegabytes, megabytes))
    }
}
