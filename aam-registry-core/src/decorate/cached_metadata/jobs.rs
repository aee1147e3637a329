//! The queue of jobs, which is never cached.

#![deny(clippy::missing_trait_methods)]

use std::time::Duration;

use async_trait::async_trait;

use super::CachedMetadata;
use crate::{
    error::Result,
    ports::{Database, JobQueue},
    types::{Job, JobEnd, JobFigures, JobFilter, JobLease, JobSelection, LeasedJob, NewJob, Page},
};

#[async_trait]
impl<D: Database> JobQueue for CachedMetadata<D> {
    async fn enqueue(&self, jobs: &[NewJob]) -> Result<()> {
        self.inner.database.enqueue(jobs).await
    }

    async fn due_kinds(&self) -> Result<Vec<String>> {
        self.inner.database.due_kinds().await
    }

    async fn lease_jobs(&self, kind: &str, limit: usize, lease: JobLease, lasting: Duration) -> Result<Vec<LeasedJob>> {
        self.inner.database.lease_jobs(kind, limit, lease, lasting).await
    }

    async fn finish_job(&self, leased: &LeasedJob, end: &JobEnd) -> Result<bool> {
        self.inner.database.finish_job(leased, end).await
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>> {
        self.inner.database.jobs(filter).await
    }

    async fn retry_jobs(&self, which: &JobSelection) -> Result<u64> {
        self.inner.database.retry_jobs(which).await
    }

    async fn drop_jobs(&self, which: &JobSelection) -> Result<u64> {
        self.inner.database.drop_jobs(which).await
    }

    async fn drop_oldest_jobs(&self, kind: &str, keep: u64) -> Result<u64> {
        self.inner.database.drop_oldest_jobs(kind, keep).await
    }

    async fn forget_jobs(&self, prefix: &str, ended_for: Duration, limit: usize) -> Result<u64> {
        self.inner.database.forget_jobs(prefix, ended_for, limit).await
    }

    async fn job_figures(&self) -> Result<Vec<JobFigures>> {
        self.inner.database.job_figures().await
    }
}
