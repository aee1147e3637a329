use std::sync::Arc;

use super::Registry;
use crate::{
    error::Result,
    ports::{JobHandler, JobQueue},
    types::{Job, JobFigures, JobFilter, JobSelection, NewJob, Page, ScopeWebhook, is_kind_of, metric_kind},
};

impl Registry {
    /// The queued jobs, oldest first; for the operator.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>> {
        self.inner().jobs.jobs(filter).await
    }

    /// Makes jobs due at once and counts their attempts anew; those that are
    /// running are left alone. Gives how many; for the operator.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn retry_jobs(&self, which: &JobSelection) -> Result<u64> {
        self.inner().jobs.retry_jobs(which).await
    }

    /// Removes jobs from the queue: what they were to do is not done. Gives
    /// how many; for the operator.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn drop_jobs(&self, which: &JobSelection) -> Result<u64> {
        self.inner().jobs.drop_jobs(which).await
    }

    /// How many jobs there are, by kind.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn job_figures(&self) -> Result<Vec<JobFigures>> {
        self.inner().jobs.job_figures().await
    }

    /// Whether this registry knows what to do with jobs of `kind`: they are its own, those of a webhook that
    /// is configured, or those of a handler that was added. Jobs of other kinds wait for ever.
    pub fn handles_jobs_of(&self, kind: &str) -> bool {
        let is_configured = || self.operator_webhooks().iter().any(|webhook| webhook.job_kind() == kind);
        is_kind_of(NewJob::EVENT, kind)
            || is_kind_of(NewJob::PRUNE_AUDIT, kind)
            || is_kind_of(NewJob::DROP_AGED, kind)
            || is_kind_of(NewJob::MAIL, kind)
            || (self.cdn().is_some() && is_kind_of(NewJob::CDN, kind))
            || ScopeWebhook::of_kind(kind).is_some()
            || is_configured()
            || self.job_handlers().iter().any(|handler| is_kind_of(handler.kind(), kind))
    }

    /// Drops the oldest deliveries to webhooks for which too many wait.
    pub(crate) async fn cap_deliveries(&self, figures: &[JobFigures]) -> Result<()> {
        let full =
            |figures: &&JobFigures| is_kind_of(NewJob::WEBHOOK, &figures.kind) && figures.waiting >= JobFigures::MOST;
        for JobFigures { kind, .. } in figures.iter().filter(full) {
            let dropped = self.inner().jobs.drop_oldest_jobs(kind, JobFigures::MOST).await?;
            if dropped > 0 {
                metrics::counter!("aam_webhook_deliveries_dropped_total", "kind" => metric_kind(kind).to_owned())
                    .increment(dropped);
                tracing::warn!(
                    event = "webhook_deliveries_dropped",
                    kind,
                    dropped,
                    most = JobFigures::MOST,
                    "too many deliveries to one webhook wait; the oldest were dropped",
                );
            }
        }
        Ok(())
    }

    /// What keeps the queued jobs.
    pub(crate) fn job_queue(&self) -> &Arc<dyn JobQueue> {
        &self.inner().jobs
    }

    /// What does the queued jobs, beside the registry's own.
    pub(crate) fn job_handlers(&self) -> &[Arc<dyn JobHandler>] {
        &self.inner().job_handlers
    }
}
