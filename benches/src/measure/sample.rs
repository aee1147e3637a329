use std::{collections::BTreeMap, time::Duration};

use super::Metric;

/// The figures of one contender in one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sample(BTreeMap<Metric, f64>);

impl Sample {
    #[must_use]
    pub(crate) fn with(mut self, metric: Metric, value: f64) -> Self {
        self.0.insert(metric, value);
        self
    }

    /// Adds the median and the 99th percentile of latencies, and their ratio.
    #[must_use]
    pub(crate) fn with_latencies(self, p50: Duration, p99: Duration) -> Self {
        let (p50, p99) = (microseconds(p50), microseconds(p99));
        self.with(Metric::P50Microseconds, p50)
            .with(Metric::P99Microseconds, p99)
            .with(Metric::P99ToP50, p99 / p50.max(f64::MIN_POSITIVE))
    }

    /// Adds the server's processor time for each of `requests`.
    #[must_use]
    pub(crate) fn with_cpu(self, cpu: Duration, requests: f64) -> Self {
        self.with(Metric::CpuMicroseconds, microseconds(cpu) / requests.max(1.0))
    }

    pub(crate) fn get(&self, metric: Metric) -> Option<f64> {
        self.0.get(&metric).copied()
    }

    pub(crate) fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.0.keys().copied()
    }
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
