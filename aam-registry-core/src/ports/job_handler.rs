use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

use crate::{
    error::Result as DomainResult,
    types::{AuditEvent, Job, NewAuditEntry, NewJob},
};

/// Does one kind of queued work, such as handing events to somebody outside.
///
/// A job comes at least once, and may come twice, to two replicas at the same
/// time even: what is done has to be the same when it is done again, by the
/// id of the job.
#[async_trait]
pub trait JobHandler: Debug + Send + Sync + 'static {
    /// The kind of its jobs. It stands in the database and in the metrics, so it stays what it is. It gets
    /// the jobs of this kind and of all kinds that begin with it and a colon.
    fn kind(&self) -> &str;

    /// Whether this is a subscriber to `event`: then each comes as a job
    /// whose [`event`](Job::event) says what happened.
    fn wants(&self, event: AuditEvent) -> bool;

    /// The kinds of the jobs that follow from `event`: one of its
    /// [`kind`](Self::kind) where it [`wants`](Self::wants) the event. A handler that
    /// passes events on to several, such as one for each receiver, names a kind
    /// for each, so that none waits for another.
    ///
    /// # Errors
    /// Where it cannot be found out now; it is asked again later.
    async fn kinds_for(&self, event: &NewAuditEntry) -> DomainResult<Vec<String>> {
        Ok(if self.wants(event.event) { vec![self.kind().to_owned()] } else { Vec::new() })
    }

    /// Whether a job that is done stays in the queue to be looked at, without
    /// jobs that follow from it. It has to [forget](super::JobQueue::forget_jobs) them.
    fn keeps(&self, _job: &Job) -> bool {
        false
    }

    /// After how long a job is tried again that failed for the `attempts`th
    /// time, from 1; `None` gives it up. A random part is added to it.
    fn retry_delay(&self, attempts: u64) -> Option<Duration> {
        let seconds = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200];
        let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        seconds.get(at).copied().map(Duration::from_secs)
    }

    /// Does a job, within 30 seconds; then it is cut off and tried again.
    /// Gives the jobs that follow from it.
    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure>;
}

/// Why a job was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFailure {
    /// What happened, for the operator; never a secret.
    pub message: String,
    /// What is to be done about it.
    pub retry: JobRetry,
}

/// When a job that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobRetry {
    /// After the handler's [`retry_delay`](JobHandler::retry_delay).
    Backoff,
    /// The same, but no sooner than after this.
    NotBefore(Duration),
    /// Never.
    Never,
}

impl JobFailure {
    /// A failure after which the job is tried again.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: JobRetry::Backoff }
    }

    /// A failure after which the job is given up.
    pub fn for_good(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: JobRetry::Never }
    }

    /// The same, tried again no sooner than after `delay`.
    #[must_use]
    pub fn not_before(self, delay: Duration) -> Self {
        Self { retry: JobRetry::NotBefore(delay), ..self }
    }
}

impl From<crate::Error> for JobFailure {
    fn from(error: crate::Error) -> Self {
        Self::new(error.to_string())
    }
}
