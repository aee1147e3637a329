//! Events and queued jobs, from the change to the subscriber.

use std::{
    collections::BTreeSet,
    future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::PeriodicJob;
use crate::{
    error::Result as DomainResult,
    memory::{self, MemoryMetadata},
    ports::{JobFailure, JobHandler, JobQueue},
    registry::{Registration, Registry},
    types::{AuditEvent, Job, JobFilter, JobId, JobLease, JobSelection, JobState, NewJob, PageRequest},
};

/// A subscriber that notes what it gets, and fails as often as it is told to.
#[derive(Clone, Debug, Default)]
struct Listener {
    state: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default)]
struct Heard {
    events: Vec<(String, String)>,
    /// What the next attempts end with.
    failures: Vec<JobFailure>,
    panics: bool,
}

impl Listener {
    fn failing(failures: Vec<JobFailure>) -> Self {
        let listener = Self::default();
        listener.state.lock().unwrap_or_else(PoisonError::into_inner).failures = failures;
        listener
    }

    fn events(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).events.clone()
    }
}

#[async_trait]
impl JobHandler for Listener {
    fn kind(&self) -> &'static str {
        "listener"
    }

    fn wants(&self, event: AuditEvent) -> bool {
        event == AuditEvent::UserRegister
    }

    fn retry_delay(&self, attempts: u64) -> Option<Duration> {
        (attempts < 3).then_some(Duration::ZERO)
    }

    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure> {
        let event = job.event()?;
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.events.push((job.id.to_string(), event.actor.unwrap_or_default()));
            if state.panics {
                drop(state);
                panic!("on purpose");
            }
            if let Some(failure) = state.failures.pop() {
                return Err(failure);
            }
        }
        Ok(Vec::new())
    }
}

fn registry(database: &MemoryMetadata, listener: &Listener) -> Registry {
    memory::registry().database(database.clone()).job_handler(listener.clone()).build().expect("complete")
}

async fn register(registry: &Registry, username: &str) {
    let (username, email) = (username.to_owned(), format!("{username}@example.com"));
    let password = "tulip-Wagon-93-kelp".to_owned();
    registry.register(Registration { username, email, password }).await.expect("registered");
}

async fn queued(registry: &Registry, state: Option<JobState>) -> Vec<Job> {
    let page = PageRequest { page: 1, limit: 100 };
    registry
        .jobs(&JobFilter { id: None, kind: None, state, with_done: false, newest_first: false, page })
        .await
        .expect("listed")
        .items
}

/// Runs the background work of `registry` until the queue is empty but for what was given up.
async fn settle(registry: &Registry) {
    registry
        .run_background(async {
            while queued(registry, None).await.iter().any(|job| job.state != JobState::Failed) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
}

#[tokio::test]
async fn an_event_reaches_who_subscribes_to_it_and_leaves_the_queue() {
    let (database, listener) = (MemoryMetadata::new(), Listener::default());
    let registry = registry(&database, &listener);
    register(&registry, "ada").await;
    settle(&registry).await;
    assert_eq!(listener.events().into_iter().map(|(_, actor)| actor).collect::<Vec<_>>(), ["ada"]);
    assert_eq!(queued(&registry, None).await, []);
}

#[tokio::test]
async fn an_event_that_nobody_subscribes_to_leaves_the_queue() {
    let registry = memory::registry().build().expect("complete");
    register(&registry, "ada").await;
    assert_eq!(queued(&registry, None).await.len(), 1);
    settle(&registry).await;
    assert_eq!(queued(&registry, None).await, []);
}

#[tokio::test]
async fn a_failure_is_tried_again_under_the_same_id() {
    let database = MemoryMetadata::new();
    let listener = Listener::failing(vec![JobFailure::new("first"), JobFailure::new("second")]);
    let registry = registry(&database, &listener);
    register(&registry, "ada").await;
    settle(&registry).await;
    let ids: BTreeSet<_> = listener.events().into_iter().map(|(id, _)| id).collect();
    assert_eq!((listener.events().len(), ids.len()), (3, 1));
    assert_eq!(queued(&registry, None).await, []);
}

#[tokio::test]
async fn a_job_that_fails_too_often_is_given_up_until_it_is_sent_back_to_work() {
    let database = MemoryMetadata::new();
    let listener = Listener::failing(vec![JobFailure::new("no"); 3]);
    let registry = registry(&database, &listener);
    register(&registry, "ada").await;
    settle(&registry).await;
    let failed = queued(&registry, Some(JobState::Failed)).await;
    assert_eq!((failed[0].attempts, failed[0].last_error.as_deref()), (3, Some("no")));
    assert_eq!(registry.retry_jobs(&JobSelection::Failed { kind: None }).await.expect("retried"), 1);
    settle(&registry).await;
    assert_eq!((listener.events().len(), queued(&registry, None).await), (4, Vec::new()));
}

#[tokio::test]
async fn a_failure_for_good_is_not_tried_again() {
    let database = MemoryMetadata::new();
    let listener = Listener::failing(vec![JobFailure::for_good("gone")]);
    let registry = registry(&database, &listener);
    register(&registry, "ada").await;
    settle(&registry).await;
    assert_eq!(listener.events().len(), 1);
    assert_eq!(queued(&registry, Some(JobState::Failed)).await[0].last_error.as_deref(), Some("gone"));
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_job_alone() {
    let (database, listener) = (MemoryMetadata::new(), Listener::default());
    listener.state.lock().unwrap_or_else(PoisonError::into_inner).panics = true;
    let registry = registry(&database, &listener);
    register(&registry, "ada").await;
    settle(&registry).await;
    let failed = queued(&registry, Some(JobState::Failed)).await;
    assert_eq!(failed[0].last_error.as_deref(), Some("the handler of the job panicked"));
}

#[tokio::test]
async fn replicas_share_the_jobs() {
    let (database, listener) = (MemoryMetadata::new(), Listener::default());
    let [one, other] = [registry(&database, &listener), registry(&database, &listener)];
    for user in 0..40 {
        register(&one, &format!("user-{user}")).await;
    }
    futures_util::future::join(settle(&one), settle(&other)).await;
    let users: BTreeSet<_> = listener.events().into_iter().map(|(_, user)| user).collect();
    assert_eq!((listener.events().len(), users.len()), (40, 40), "each once, since no lease ran out");
}

/// A periodic job that panics in its first turn, and ends the work in its second.
#[derive(Default)]
struct Panicking {
    turns: AtomicUsize,
    ended: CancellationToken,
}

#[async_trait]
impl PeriodicJob for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn period(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn is_run_last(&self) -> bool {
        true
    }

    async fn run(&self, _: &Registry) -> DomainResult<()> {
        match self.turns.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("on purpose"),
            1 => self.ended.cancel(),
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_periodic_job_that_panics_is_done_again_at_its_next_turn() {
    let (registry, job) = (memory::registry().build().expect("complete"), Panicking::default());
    registry.repeat(&job, &job.ended).await;
    assert_eq!(job.turns.into_inner(), 3, "twice, and once more in the end");
}

/// A handler that does not know when to try again.
#[derive(Debug)]
struct Undecided;

#[async_trait]
impl JobHandler for Undecided {
    fn kind(&self) -> &'static str {
        "undecided"
    }

    fn wants(&self, event: AuditEvent) -> bool {
        event == AuditEvent::UserRegister
    }

    fn retry_delay(&self, _: u64) -> Option<Duration> {
        panic!("on purpose")
    }

    async fn run(&self, _: &Job) -> Result<Vec<NewJob>, JobFailure> {
        Err(JobFailure::new("no"))
    }
}

#[tokio::test]
async fn a_handler_that_panics_when_asked_for_the_delay_fails_its_job_alone() {
    let registry = memory::registry().job_handler(Undecided).build().expect("complete");
    register(&registry, "ada").await;
    settle(&registry).await;
    let failed = queued(&registry, Some(JobState::Failed)).await;
    let error = failed[0].last_error.as_deref().expect("an error");
    assert_eq!(error, "no; its handler panicked when asked for the delay");
}

#[tokio::test]
async fn a_delay_that_is_too_long_is_cut() {
    let database = MemoryMetadata::new();
    let listener = Listener::failing(vec![JobFailure::new("later").not_before(Duration::MAX)]);
    let registry = registry(&database, &listener);
    register(&registry, "ada").await;
    let failed_once = async {
        while queued(&registry, None).await.iter().all(|job| job.last_error.is_none()) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    registry.run_background(failed_once).await;
    let waiting = queued(&registry, Some(JobState::Waiting)).await;
    assert_eq!((waiting[0].attempts, waiting[0].last_error.as_deref()), (1, Some("later")));
}

#[tokio::test]
async fn a_job_that_ends_its_process_each_time_is_given_up() {
    let (database, listener) = (MemoryMetadata::new(), Listener::default());
    let registry = registry(&database, &listener);
    let job = NewJob { id: JobId::generate(), kind: listener.kind().to_owned(), payload: json!({}) };
    database.enqueue(&[job]).await.expect("queued");
    for _ in 0..3 {
        let leased = database.lease_jobs("listener", 1, JobLease::generate(), Duration::ZERO).await;
        assert_eq!(leased.expect("leased").len(), 1);
    }
    settle(&registry).await;
    let failed = queued(&registry, Some(JobState::Failed)).await;
    let error = failed[0].last_error.as_deref().expect("an error");
    assert!(error.starts_with("attempt 3 never ended"), "{error}");
    assert_eq!(listener.events(), [], "it was not begun once more");
}

/// A handler that never ends, and tells when it began.
#[derive(Clone, Debug, Default)]
struct Hanging {
    begun: CancellationToken,
}

#[async_trait]
impl JobHandler for Hanging {
    fn kind(&self) -> &'static str {
        "hanging"
    }

    fn wants(&self, event: AuditEvent) -> bool {
        event == AuditEvent::UserRegister
    }

    async fn run(&self, _: &Job) -> Result<Vec<NewJob>, JobFailure> {
        self.begun.cancel();
        future::pending().await
    }
}

#[tokio::test]
async fn an_attempt_that_takes_long_is_cut_off_in_the_end_and_leaves_the_job_in_the_queue() {
    let hanging = Hanging::default();
    let registry = memory::registry().job_handler(hanging.clone()).build().expect("complete");
    register(&registry, "ada").await;
    registry.run_background(hanging.begun.cancelled()).await;
    let running = queued(&registry, Some(JobState::Running)).await;
    assert_eq!((running[0].attempts, running[0].last_error.as_deref()), (1, None));
}
