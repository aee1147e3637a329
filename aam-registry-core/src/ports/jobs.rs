use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

use crate::{
    error::Result,
    types::{Job, JobEnd, JobFigures, JobFilter, JobLease, JobSelection, LeasedJob, NewJob, Page},
};

/// Keeps the work that is to be done beside the requests. The event of a
/// change ([`NewJob::of_event`]) is queued by the method that makes the
/// change, in its transaction.
///
/// Each job is done at least once, by one at a time: whoever does it holds a
/// lease, and where that ends before the job does, another takes it. Times
/// are by the clock of the database.
#[async_trait]
pub trait JobQueue: Debug + Send + Sync + 'static {
    /// Queues jobs, due at once. One whose id is in the queue already is left as it stands.
    async fn enqueue(&self, jobs: &[NewJob]) -> Result<()>;

    /// The kinds of the jobs that are due, those first whose job has been due
    /// for longest. Writes and locks nothing.
    async fn due_kinds(&self) -> Result<Vec<String>>;

    /// Leases up to `limit` jobs of `kind` that are due, those that have been
    /// due for longest first. Each counts as begun once more. Several may
    /// call it at once, and none gets what another has leased.
    async fn lease_jobs(&self, kind: &str, limit: usize, lease: JobLease, lasting: Duration) -> Result<Vec<LeasedJob>>;

    /// Ends an attempt. `false` where the lease had ended and another took
    /// the job, or it was dropped: then nothing changes.
    async fn finish_job(&self, leased: &LeasedJob, end: &JobEnd) -> Result<bool>;

    /// The jobs in the queue.
    async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>>;

    /// Makes jobs due at once, also those that are done, and counts their
    /// attempts anew; those that are running are left alone. Gives how many.
    async fn retry_jobs(&self, which: &JobSelection) -> Result<u64>;

    /// Removes jobs, also those that are running. Gives how many.
    async fn drop_jobs(&self, which: &JobSelection) -> Result<u64>;

    /// Removes jobs of `kind` that are neither done nor given up, those that were queued first, until at most
    /// `keep` are left. Gives how many.
    async fn drop_oldest_jobs(&self, kind: &str, keep: u64) -> Result<u64>;

    /// Removes up to `limit` jobs that were done or given up longer ago than
    /// `ended_for`, of the kinds that begin with `prefix`. Gives how many.
    async fn forget_jobs(&self, prefix: &str, ended_for: Duration, limit: usize) -> Result<u64>;

    /// How many jobs there are that are not done, by kind, in the order of the kinds' names. Of each kind
    /// no more than [`JobFigures::MOST`] are counted, so that a long queue takes no longer.
    async fn job_figures(&self) -> Result<Vec<JobFigures>>;
}
