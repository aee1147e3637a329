use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{
    error::Result,
    ports::JobQueue,
    types::{JobEnd, JobLease, LeasedJob},
};

/// How many calls of the queue run at a time, of all kinds of jobs: few, so
/// that the database has connections left for the requests.
const AT_ONCE: usize = 3;
/// How long a job is leased: longer than an attempt and the storing of its end take.
const LEASE_TIME: Duration = Duration::from_secs(45);

/// The queue as all workers of a process use it.
#[derive(Clone)]
pub(super) struct Queue {
    jobs: Arc<dyn JobQueue>,
    places: Arc<Semaphore>,
}

impl Queue {
    pub(super) fn new(jobs: Arc<dyn JobQueue>) -> Self {
        Self { jobs, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    pub(super) async fn due_kinds(&self) -> Result<Vec<String>> {
        // Nobody closes the semaphore.
        let _place = self.places.acquire().await;
        self.jobs.due_kinds().await
    }

    pub(super) async fn lease_jobs(&self, kind: &str, limit: usize) -> Result<Vec<LeasedJob>> {
        let _place = self.places.acquire().await;
        self.jobs.lease_jobs(kind, limit, JobLease::generate(), LEASE_TIME).await
    }

    pub(super) async fn finish_job(&self, leased: &LeasedJob, end: &JobEnd) -> Result<bool> {
        let _place = self.places.acquire().await;
        self.jobs.finish_job(leased, end).await
    }
}
