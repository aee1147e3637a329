//! The queue of jobs, and the events that changes put into it.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::world::{actor, audit_of, commit, manifest, new_user, package_name, publish, stranger, upload, word};
use crate::{
    ports::{CommandHandlerExt, Database},
    types::{
        AuditEvent, DistTag, Job, JobEnd, JobFilter, JobId, JobLease, JobSelection, JobState, LeasedJob, NewAuditEntry,
        NewJob, PageRequest,
    },
};

const LONG: Duration = Duration::from_hours(1);

/// A job of `kind`, with a payload that no encoding may spoil.
fn job(kind: &str) -> NewJob {
    let payload = json!({"text": "\"\u{1f600}\u{0}", "number": [1, -2.5, null]});
    NewJob { id: JobId::generate(), kind: kind.to_owned(), payload }
}

/// Queues `count` jobs of a kind that is the case's own.
async fn queued(db: &dyn Database, count: usize) -> (String, Vec<NewJob>) {
    let kind = word();
    let jobs: Vec<_> = (0..count).map(|_| job(&kind)).collect();
    db.enqueue(&jobs).await.expect("enqueue");
    (kind, jobs)
}

async fn lease(db: &dyn Database, kind: &str, lasting: Duration) -> Vec<LeasedJob> {
    db.lease_jobs(kind, 100, JobLease::generate(), lasting).await.expect("lease")
}

async fn listed(db: &dyn Database, kind: &str) -> Vec<Job> {
    db.jobs(&of_kind(kind)).await.expect("list").items
}

fn of_kind(kind: &str) -> JobFilter {
    JobFilter {
        id: None,
        kind: Some(kind.to_owned()),
        state: None,
        with_done: false,
        newest_first: false,
        page: PageRequest { page: 1, limit: 200 },
    }
}

/// The job of an event, wherever it stands in the queue.
async fn event(db: &dyn Database, entry: &NewAuditEntry) -> Option<Job> {
    let filter = JobFilter { id: Some(entry.id.into()), kind: None, ..of_kind("") };
    db.jobs(&filter).await.expect("list").items.pop()
}

/// What changes the registry queues its event with the audit entry, under the entry's id.
pub async fn a_change_queues_its_event(db: &dyn Database) {
    let (owner, name) = (actor(db).await, package_name());
    publish(db, &owner, &name, &["1.0.0"]).await;
    let entry = audit_of(db, &name).await.remove(0).entry;
    let queued = event(db, &entry).await.expect("an event");
    assert_eq!((queued.kind.as_str(), queued.state, queued.attempts), (NewJob::EVENT, JobState::Waiting, 0));
    assert_eq!(queued.event().expect("readable"), entry);

    let new = new_user(&stranger());
    db.execute(&new).await.expect("create a user");
    assert_eq!(event(db, &new.audit).await.expect("an event").event().expect("readable"), new.audit);
}

/// A refused change queues nothing, and an entry that records no change neither.
pub async fn no_change_queues_no_event(db: &dyn Database) {
    let (owner, name) = (actor(db).await, package_name());
    let of_nobody = commit(&owner, crate::types::UploadId::generate(), manifest(&name, "1.0.0"));
    db.commit_publish(&of_nobody).await.expect_err("there is no such upload");
    assert_eq!(event(db, &of_nobody.audit).await, None);

    let login = NewAuditEntry::new(AuditEvent::UserLogin, of_nobody.now).with_actor(owner.username.as_str());
    db.append(&login).await.expect("append");
    assert_eq!(event(db, &login).await, None);
}

/// A publish that also moves a tag queues one event for each of its entries.
pub async fn every_entry_of_a_change_queues_an_event(db: &dyn Database) {
    let (owner, name) = (actor(db).await, package_name());
    let mut tagged = commit(&owner, upload(db, &owner).await, manifest(&name, "1.0.0"));
    tagged.tag = Some("beta".parse::<DistTag>().expect("a tag"));
    db.commit_publish(&tagged).await.expect("publish");
    for entry in audit_of(db, &name).await {
        assert!(event(db, &entry.entry).await.is_some(), "{:?}", entry.entry.event);
    }
}

/// A job comes back whole, is leased once while the lease lasts, and leaves the queue when it is done.
pub async fn a_job_is_leased_and_done(db: &dyn Database) {
    let (kind, jobs) = queued(db, 1).await;
    let leased = lease(db, &kind, LONG).await;
    let [held] = &*leased else { panic!("one job: {leased:?}") };
    assert_eq!((held.job.id, &held.job.kind, &held.job.payload), (jobs[0].id, &kind, &jobs[0].payload));
    assert_eq!((held.job.state, held.job.attempts, &held.job.last_error), (JobState::Running, 1, &None));
    assert_eq!(lease(db, &kind, LONG).await, []);
    assert_eq!(listed(db, &kind).await[0].state, JobState::Running);
    assert!(db.finish_job(held, &JobEnd::Done(Vec::new())).await.expect("finish"));
    assert_eq!(listed(db, &kind).await, []);
    assert!(!db.finish_job(held, &JobEnd::Done(Vec::new())).await.expect("finish"), "it is done already");
}

/// A job is queued once under its id, whatever state it is in.
pub async fn a_job_is_queued_once(db: &dyn Database) {
    let (kind, jobs) = queued(db, 1).await;
    let held = lease(db, &kind, LONG).await.remove(0);
    db.enqueue(&[jobs[0].clone(), jobs[0].clone()]).await.expect("enqueue");
    let listed = listed(db, &kind).await;
    assert_eq!((listed.len(), listed[0].state, listed[0].attempts), (1, JobState::Running, 1));
    assert!(db.finish_job(&held, &JobEnd::Done(Vec::new())).await.expect("finish"));
}

/// What follows from a job is queued when it is done, and only by who holds it.
pub async fn what_follows_is_queued_with_the_end(db: &dyn Database) {
    let (kind, _) = queued(db, 1).await;
    let next = word();
    let follow_ups = vec![job(&next), job(&next)];
    let lapsed = lease(db, &kind, Duration::ZERO).await.remove(0);
    let held = lease(db, &kind, LONG).await.remove(0);
    assert!(!db.finish_job(&lapsed, &JobEnd::Done(vec![job(&next)])).await.expect("finish"));
    assert_eq!(listed(db, &next).await, []);
    assert!(db.finish_job(&held, &JobEnd::Done(follow_ups.clone())).await.expect("finish"));
    let mut ids: Vec<_> = listed(db, &next).await.into_iter().map(|job| job.id).collect();
    ids.sort();
    assert_eq!(ids, follow_ups.iter().map(|job| job.id).collect::<Vec<_>>());
}

/// A lease that ended is another's to take; who held it before changes nothing any more.
pub async fn a_lapsed_lease_is_taken_over(db: &dyn Database) {
    let (kind, _) = queued(db, 1).await;
    let lapsed = lease(db, &kind, Duration::ZERO).await.remove(0);
    let held = lease(db, &kind, LONG).await.remove(0);
    assert_eq!((held.job.id, held.job.attempts), (lapsed.job.id, 2));
    for end in [
        JobEnd::Done(Vec::new()),
        JobEnd::Again { after: LONG, error: "late".to_owned() },
        JobEnd::Failed("late".to_owned()),
    ] {
        assert!(!db.finish_job(&lapsed, &end).await.expect("finish"), "{end:?}");
    }
    let listed = listed(db, &kind).await;
    assert_eq!((listed[0].state, &listed[0].last_error), (JobState::Running, &None));
    assert!(db.finish_job(&held, &JobEnd::Done(Vec::new())).await.expect("finish"));
}

/// A job that failed waits as long as it was told to, and says why it failed.
pub async fn a_failed_attempt_waits(db: &dyn Database) {
    let (kind, _) = queued(db, 1).await;
    let held = lease(db, &kind, LONG).await.remove(0);
    let error = "it said \"no\"\u{0}".to_owned();
    assert!(db.finish_job(&held, &JobEnd::Again { after: LONG, error: error.clone() }).await.expect("finish"));
    assert_eq!(lease(db, &kind, LONG).await, []);
    let listed = listed(db, &kind).await;
    assert_eq!((listed[0].state, listed[0].attempts), (JobState::Waiting, 1));
    assert_eq!(listed[0].last_error.as_ref(), Some(&error));
    assert!(listed[0].due_at > listed[0].created_at);

    assert_eq!(db.retry_jobs(&JobSelection::Ids(vec![held.job.id])).await.expect("retry"), 1);
    let held = lease(db, &kind, LONG).await.remove(0);
    assert_eq!((held.job.attempts, held.job.last_error.as_ref()), (1, Some(&error)));
    assert!(db.finish_job(&held, &JobEnd::Again { after: Duration::ZERO, error }).await.expect("finish"));
    assert_eq!(lease(db, &kind, LONG).await.len(), 1, "due at once");
}

/// A job that was given up stays until the operator sends it back to work or drops it.
pub async fn a_job_that_was_given_up_waits_for_the_operator(db: &dyn Database) {
    let (kind, jobs) = queued(db, 3).await;
    for held in lease(db, &kind, LONG).await {
        assert!(db.finish_job(&held, &JobEnd::Failed("gone".to_owned())).await.expect("finish"));
    }
    assert_eq!(lease(db, &kind, LONG).await, []);
    let failed = JobFilter { state: Some(JobState::Failed), ..of_kind(&kind) };
    assert_eq!(db.jobs(&failed).await.expect("list").total, 3);

    assert_eq!(db.retry_jobs(&JobSelection::Ids(vec![jobs[0].id, JobId::generate()])).await.expect("retry"), 1);
    assert_eq!(db.drop_jobs(&JobSelection::Ids(vec![jobs[1].id])).await.expect("drop"), 1);
    let other_kind = JobSelection::Failed { kind: Some(word()) };
    assert_eq!(db.retry_jobs(&other_kind).await.expect("retry"), 0);
    assert_eq!(db.drop_jobs(&other_kind).await.expect("drop"), 0);
    let mine = JobSelection::Failed { kind: Some(kind.clone()) };
    assert_eq!(db.retry_jobs(&mine).await.expect("retry"), 1);
    let mut ids: Vec<_> = lease(db, &kind, LONG).await.into_iter().map(|held| held.job.id).collect();
    ids.sort();
    assert_eq!(ids, [jobs[0].id, jobs[2].id]);
    assert_eq!(db.drop_jobs(&mine).await.expect("drop"), 0, "none is given up any more");
}

/// What is running is not begun a second time by the operator, but may be dropped.
pub async fn a_running_job_is_left_alone(db: &dyn Database) {
    let (kind, _) = queued(db, 1).await;
    let held = lease(db, &kind, LONG).await.remove(0);
    let it = JobSelection::Ids(vec![held.job.id]);
    assert_eq!(db.retry_jobs(&it).await.expect("retry"), 0);
    assert_eq!(lease(db, &kind, LONG).await, []);
    assert_eq!(db.drop_jobs(&it).await.expect("drop"), 1);
    assert!(!db.finish_job(&held, &JobEnd::Again { after: LONG, error: String::new() }).await.expect("finish"));
    assert_eq!(listed(db, &kind).await, []);
}

/// Those who lease at the same time share the jobs, and each job is one's alone.
pub async fn workers_at_once_share_the_jobs(db: &dyn Database) {
    let (kind, jobs) = queued(db, 24).await;
    let workers = join_all((0..8).map(|_| async {
        let mut ids = Vec::new();
        loop {
            let leased = db.lease_jobs(&kind, 2, JobLease::generate(), LONG).await.expect("lease");
            if leased.is_empty() {
                return ids;
            }
            assert!(leased.len() <= 2);
            ids.extend(leased.into_iter().map(|held| Uuid::from(held.job.id)));
        }
    }))
    .await;
    let mut leased: Vec<_> = workers.into_iter().flatten().collect();
    // One may find every job that is due locked by others, and stop before the last is leased.
    leased.extend(lease(db, &kind, LONG).await.into_iter().map(|held| Uuid::from(held.job.id)));
    leased.sort();
    assert_eq!(leased, jobs.iter().map(|job| Uuid::from(job.id)).collect::<Vec<_>>());
}

/// Jobs are listed oldest first, by kind and state, page by page.
pub async fn jobs_are_listed_by_kind_and_state(db: &dyn Database) {
    let (kind, jobs) = queued(db, 3).await;
    let ids = |found: Vec<Job>| found.into_iter().map(|job| job.id).collect::<Vec<_>>();
    let expected: Vec<_> = jobs.iter().map(|job| job.id).collect();
    assert_eq!(ids(listed(db, &kind).await), expected);
    let second = JobFilter { page: PageRequest { page: 2, limit: 2 }, ..of_kind(&kind) };
    let page = db.jobs(&second).await.expect("list");
    assert_eq!((page.total, ids(page.items)), (3, expected[2..].to_vec()));
    let held = db.lease_jobs(&kind, 1, JobLease::generate(), LONG).await.expect("lease").remove(0);
    for (state, count) in [(JobState::Running, 1), (JobState::Waiting, 2), (JobState::Failed, 0)] {
        let found = db.jobs(&JobFilter { state: Some(state), ..of_kind(&kind) }).await.expect("list");
        assert_eq!(found.total, count, "{state:?}");
    }
    let one = JobFilter { id: Some(held.job.id), kind: None, ..of_kind(&kind) };
    assert_eq!(ids(db.jobs(&one).await.expect("list").items), [held.job.id]);
}

/// The figures count what waits and what was given up, and say how long it is overdue.
pub async fn the_figures_tell_what_waits(db: &dyn Database) {
    let (kind, _) = queued(db, 3).await;
    let held = db.lease_jobs(&kind, 1, JobLease::generate(), LONG).await.expect("lease").remove(0);
    assert!(db.finish_job(&held, &JobEnd::Failed("gone".to_owned())).await.expect("finish"));
    let figures = db.job_figures().await.expect("figures");
    assert!(figures.is_sorted_by(|one, other| one.kind < other.kind), "{figures:?}");
    let mine = figures.into_iter().find(|figures| figures.kind == kind).expect("of the kind");
    assert_eq!((mine.waiting, mine.failed), (2, 1));
    assert!(mine.overdue < LONG, "{mine:?}");
    lease(db, &kind, LONG).await;
    let figures = db.job_figures().await.expect("figures");
    let mine = figures.into_iter().find(|figures| figures.kind == kind).expect("of the kind");
    assert_eq!((mine.waiting, mine.overdue), (2, Duration::ZERO), "what runs is not overdue");
}

/// The kinds of due jobs are named, those first that have been due for longest; nothing else is.
pub async fn the_kinds_that_are_due_are_named(db: &dyn Database) {
    let (first, _) = queued(db, 2).await;
    let (second, _) = queued(db, 1).await;
    let (failed, _) = queued(db, 1).await;
    let (running, _) = queued(db, 1).await;
    let (done, _) = queued(db, 1).await;
    let held = lease(db, &failed, LONG).await.remove(0);
    assert!(db.finish_job(&held, &JobEnd::Failed("gone".to_owned())).await.expect("finish"));
    lease(db, &running, LONG).await;
    let held = lease(db, &done, LONG).await.remove(0);
    assert!(db.finish_job(&held, &JobEnd::Kept).await.expect("finish"));
    let due = db.due_kinds().await.expect("look");
    let place = |kind: &String| due.iter().position(|due| due == kind);
    let (Some(one), Some(two)) = (place(&first), place(&second)) else { panic!("{first} and {second}: {due:?}") };
    assert!(one < two, "{due:?}");
    assert_eq!([&failed, &running, &done].map(place), [None; 3]);
    assert_eq!(due.iter().filter(|due| **due == first).count(), 1);
}

/// A job that is kept after it is done is listed where that is asked for, and can be sent back to work.
pub async fn a_job_is_kept_after_it_is_done(db: &dyn Database) {
    let (kind, jobs) = queued(db, 2).await;
    for held in lease(db, &kind, LONG).await {
        assert!(db.finish_job(&held, &JobEnd::Kept).await.expect("finish"));
    }
    assert_eq!(lease(db, &kind, LONG).await, []);
    assert_eq!(listed(db, &kind).await, [], "what is done is not listed");
    let all = JobFilter { with_done: true, newest_first: true, ..of_kind(&kind) };
    let done = db.jobs(&all).await.expect("list").items;
    assert_eq!(done.iter().map(|job| job.id).collect::<Vec<_>>(), [jobs[1].id, jobs[0].id]);
    assert!(done.iter().all(|job| job.state == JobState::Done && job.ended_at.is_some()), "{done:?}");
    let by_state = JobFilter { state: Some(JobState::Done), ..of_kind(&kind) };
    assert_eq!(db.jobs(&by_state).await.expect("list").total, 2);
    assert!(db.job_figures().await.expect("figures").iter().all(|figures| figures.kind != kind));
    assert_eq!(db.retry_jobs(&JobSelection::Ids(vec![jobs[0].id])).await.expect("retry"), 1);
    let again = lease(db, &kind, LONG).await;
    let [held] = &*again else { panic!("one job: {again:?}") };
    assert_eq!((held.job.id, held.job.attempts, held.job.ended_at), (jobs[0].id, 1, None));
}

/// What ended long enough ago is forgotten, of the kinds that begin so, and nothing that did not end.
pub async fn what_ended_is_forgotten(db: &dyn Database) {
    let prefix = word();
    let kinds = [format!("{prefix}a"), format!("{prefix}b"), word()];
    for kind in &kinds {
        db.enqueue(&[job(kind), job(kind), job(kind)]).await.expect("enqueue");
        let held = lease(db, kind, Duration::ZERO).await;
        assert!(db.finish_job(&held[0], &JobEnd::Kept).await.expect("finish"));
        assert!(db.finish_job(&held[1], &JobEnd::Failed("gone".to_owned())).await.expect("finish"));
    }
    assert_eq!(db.forget_jobs(&prefix, LONG, 100).await.expect("forget"), 0, "it ended just now");
    let forget = async |limit| db.forget_jobs(&prefix, Duration::ZERO, limit).await.expect("forget");
    assert_eq!([forget(3).await, forget(100).await, forget(100).await], [3, 1, 0]);
    let all =
        async |kind: &str| db.jobs(&JobFilter { with_done: true, ..of_kind(kind) }).await.expect("list").items.len();
    assert_eq!([all(&kinds[0]).await, all(&kinds[1]).await, all(&kinds[2]).await], [1, 1, 3]);
}

/// The newest stay; what was done or given up is not counted and stays too.
pub async fn the_oldest_jobs_of_a_kind_are_dropped(db: &dyn Database) {
    let kind = word();
    let ended = [job(&kind), job(&kind)];
    db.enqueue(&ended).await.expect("enqueue");
    let held = lease(db, &kind, LONG).await;
    assert!(db.finish_job(&held[0], &JobEnd::Kept).await.expect("finish"));
    assert!(db.finish_job(&held[1], &JobEnd::Failed("gone".to_owned())).await.expect("finish"));
    for _ in 0..5 {
        db.enqueue(&[job(&kind)]).await.expect("enqueue");
    }
    // Several may be queued in one instant of the database's clock.
    let waiting = async || {
        let all = db.jobs(&JobFilter { state: Some(JobState::Waiting), ..of_kind(&kind) }).await.expect("list").items;
        all.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let before = waiting().await;
    let (other, _) = queued(db, 3).await;
    assert_eq!(db.drop_oldest_jobs(&kind, 5).await.expect("drop"), 0);
    assert_eq!(db.drop_oldest_jobs(&kind, 2).await.expect("drop"), 3);
    assert_eq!(waiting().await, before[3..]);
    let all = db.jobs(&JobFilter { with_done: true, ..of_kind(&kind) }).await.expect("list").items;
    assert_eq!((all.len(), listed(db, &other).await.len()), (4, 3));
}

/// What is done stays as it is; what runs is dropped, and not sent back to work.
pub async fn a_kind_is_retried_and_dropped_as_a_whole(db: &dyn Database) {
    let (kind, _) = queued(db, 4).await;
    let (other, _) = queued(db, 1).await;
    let held = db.lease_jobs(&kind, 3, JobLease::generate(), LONG).await.expect("lease");
    assert!(db.finish_job(&held[0], &JobEnd::Kept).await.expect("finish"));
    assert!(db.finish_job(&held[1], &JobEnd::Failed("gone".to_owned())).await.expect("finish"));
    let all = JobSelection::OfKind(kind.clone());
    assert_eq!(db.retry_jobs(&all).await.expect("retry"), 2, "one that waits and one that was given up");
    assert_eq!(db.drop_jobs(&all).await.expect("drop"), 3);
    let left = db.jobs(&JobFilter { with_done: true, ..of_kind(&kind) }).await.expect("list").items;
    assert_eq!(left.iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Done]);
    assert_eq!(listed(db, &other).await.len(), 1);
}
