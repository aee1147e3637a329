use std::time::Duration;

use async_trait::async_trait;

use super::{H2load, Observed, Request, Wrk};
use crate::{
    error::Result,
    measure::{Contender, Metric, Sample},
    process::cpu_time,
};

/// A load generator.
#[derive(Clone, Debug)]
pub(crate) enum Tool {
    Wrk(Wrk),
    H2load(H2load),
}

impl Tool {
    /// Makes requests repeatedly for `duration`.
    pub(crate) async fn load(&self, request: &Request, duration: Duration) -> Result<Observed> {
        match self {
            Self::Wrk(wrk) => wrk.load(request, duration).await,
            Self::H2load(h2load) => h2load.load(request, duration).await,
        }
    }
}

/// A server that gets the same requests repeatedly on keep-alive connections.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) tool: Tool,
    pub(crate) request: Request,
}

#[async_trait]
impl Contender for Loaded {
    fn name(&self) -> &str {
        &self.name
    }

    async fn measure(&mut self, time: Duration) -> Result<Sample> {
        let before = cpu_time(self.pid);
        let seen = self.tool.load(&self.request, time).await?;
        let cpu = cpu_time(self.pid).saturating_sub(before);
        Ok(Sample::default()
            .with(Metric::RequestsPerSecond, seen.requests_per_second)
            .with_cpu(cpu, seen.requests)
            .with_latencies(seen.p50, seen.p99))
    }
}
