use std::sync::Arc;

use super::Registry;
use crate::{
    error::Result,
    ports::{JobHandler, JobQueue},
    types::{Job, JobFigures, JobFilter, JobSelection, Page},
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

    /// What keeps the queued jobs.
    pub(crate) fn job_queue(&self) -> &Arc<dyn JobQueue> {
        &self.inner().jobs
    }

    /// What does the queued jobs, beside the registry's own.
    pub(crate) fn job_handlers(&self) -> &[Arc<dyn JobHandler>] {
        &self.inner().job_handlers
    }
}
