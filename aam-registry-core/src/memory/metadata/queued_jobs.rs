use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::types::{Job, JobId, JobLease, JobSelection, JobState, NewJob};

/// The jobs in the queue.
#[derive(Default)]
pub(super) struct QueuedJobs(pub(super) BTreeMap<JobId, QueuedJob>);

/// A job, whose state is `Waiting` or `Failed`: whether it is running follows from its lease.
pub(super) struct QueuedJob {
    pub(super) job: Job,
    pub(super) lease: Option<JobLease>,
}

impl QueuedJobs {
    pub(super) fn add(&mut self, new: NewJob, now: Timestamp) {
        let NewJob { id, kind, payload } = new;
        self.0.entry(id).or_insert_with(|| {
            let state = JobState::Waiting;
            let job = Job { id, kind, payload, created_at: now, due_at: now, state, attempts: 0, last_error: None };
            QueuedJob { job, lease: None }
        });
    }
}

impl QueuedJob {
    pub(super) fn state(&self, now: Timestamp) -> JobState {
        match self.job.state {
            JobState::Failed => JobState::Failed,
            _ if self.lease.is_some() && self.job.due_at > now => JobState::Running,
            _ => JobState::Waiting,
        }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.job.state != JobState::Failed && self.job.due_at <= now
    }

    pub(super) fn is_of(&self, which: &JobSelection) -> bool {
        match which {
            JobSelection::Ids(ids) => ids.contains(&self.job.id),
            JobSelection::Failed { kind } => {
                self.job.state == JobState::Failed && kind.as_ref().is_none_or(|kind| *kind == self.job.kind)
            }
        }
    }
}
