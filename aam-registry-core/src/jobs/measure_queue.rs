use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::PeriodicJob;
use crate::{
    error::Result,
    registry::Registry,
    types::{JobFigures, metric_kind},
};

/// Reports how many jobs wait and how many were given up, by kind, and how many webhooks of the operator are disabled;
/// keeps the queue of each webhook from growing without end.
#[derive(Default)]
pub(super) struct MeasureQueue {
    /// The kinds that were reported before: one that has no jobs any more is reported as empty.
    kinds: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl PeriodicJob for MeasureQueue {
    fn name(&self) -> &'static str {
        "measure_queue"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn run(&self, registry: &Registry) -> Result<()> {
        let figures = registry.job_figures().await?;
        registry.cap_deliveries(&figures).await?;
        let figures = by_metric_kind(figures);
        let disabled = registry.operator_webhook_states().await?;
        let disabled = disabled.iter().filter(|state| state.disabled.is_some()).count();
        metrics::gauge!("aam_operator_webhooks_disabled").set(f64::from(u32::try_from(disabled).unwrap_or(u32::MAX)));
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in kinds.iter().filter(|kind| figures.iter().all(|figures| figures.kind != **kind)) {
            record(&JobFigures { kind: kind.clone(), waiting: 0, failed: 0, overdue: Duration::ZERO });
        }
        for figures in figures {
            record(&figures);
            kinds.insert(figures.kind);
        }
        Ok(())
    }
}

/// Adds up the figures of the kinds that metrics show as one.
fn by_metric_kind(figures: Vec<JobFigures>) -> Vec<JobFigures> {
    let mut sums: BTreeMap<String, JobFigures> = BTreeMap::new();
    for one in figures {
        let kind = metric_kind(&one.kind).to_owned();
        let sum = sums.entry(kind.clone());
        let sum = sum.or_insert(JobFigures { kind, waiting: 0, failed: 0, overdue: Duration::ZERO });
        sum.waiting += one.waiting;
        sum.failed += one.failed;
        sum.overdue = sum.overdue.max(one.overdue);
    }
    sums.into_values().collect()
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus values are 64-bit floats")]
fn record(figures: &JobFigures) {
    let kind = || figures.kind.clone();
    metrics::gauge!("aam_jobs_waiting", "kind" => kind()).set(figures.waiting as f64);
    metrics::gauge!("aam_jobs_failed", "kind" => kind()).set(figures.failed as f64);
    metrics::gauge!("aam_jobs_overdue_seconds", "kind" => kind()).set(figures.overdue);
}
