use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::types::{Job, JobId, JobLease, JobSelection, JobState, NewJob};

/// The jobs in the queue.
#[derive(Default)]
pub(super) struct QueuedJobs(pub(super) BTreeMap<JobId, QueuedJob>);

/// A job, whose state is never `Running`: its lease says whether it is running.
pub(super) struct QueuedJob {
    pub(super) job: Job,
    pub(super) lease: Option<JobLease>,
}

impl QueuedJobs {
    pub(super) fn add(&mut self, new: NewJob, now: Timestamp) {
        let NewJob { id, kind, payload } = new;
        self.0.entry(id).or_insert_with(|| {
            let state = JobState::Waiting;
            let job = Job {
                id,
                kind,
                payload,
                created_at: now,
                due_at: now,
                state,
                attempts: 0,
                last_error: None,
                ended_at: None,
            };
            QueuedJob { job, lease: None }
        });
    }
}

impl QueuedJobs {
    /// Makes jobs due at `now`; returns how many.
    pub(super) fn retry(&mut self, which: &JobSelection, now: Timestamp) -> u64 {
        let mut retried = 0;
        for queued in self.0.values_mut() {
            if queued.is_of(which) && queued.state(now) != JobState::Running {
                queued.lease = None;
                let (due_at, state) = (now, JobState::Waiting);
                queued.job = Job { due_at, state, attempts: 0, ended_at: None, ..queued.job.clone() };
                retried += 1;
            }
        }
        retried
    }

    /// The state at `now` of the job `id`, if it is of that kind.
    pub(super) fn state_of(&self, id: JobId, kind: &str, now: Timestamp) -> Option<JobState> {
        self.0.get(&id).filter(|queued| queued.job.kind == kind).map(|queued| queued.state(now))
    }

    pub(super) fn remove_kind(&mut self, kind: &str) {
        self.0.retain(|_, queued| queued.job.kind != kind);
    }
}

impl QueuedJob {
    pub(super) fn state(&self, now: Timestamp) -> JobState {
        match self.job.state {
            ended @ (JobState::Failed | JobState::Done) => ended,
            _ if self.lease.is_some() && self.job.due_at > now => JobState::Running,
            _ => JobState::Waiting,
        }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.job.state == JobState::Waiting && self.job.due_at <= now
    }

    pub(super) fn is_of(&self, which: &JobSelection) -> bool {
        match which {
            JobSelection::Ids(ids) => ids.contains(&self.job.id),
            JobSelection::Failed { kind } => {
                self.job.state == JobState::Failed && kind.as_ref().is_none_or(|kind| *kind == self.job.kind)
            }
            JobSelection::OfKind(kind) => self.job.state != JobState::Done && self.job.kind == *kind,
        }
    }
}
