//! Work that is queued, to be done beside the requests.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    types::{Aged, AuditEvent, ChainLink, NewAuditEntry, PageRequest, ScopeWebhook, SealedSecret, id::id},
};

id! {
    /// The id of a job. The job that hands an event to its subscribers has the id of the audit entry.
    JobId
}

id! {
    /// The id of one lease of jobs, by which its holder proves that it still holds them.
    JobLease
}

/// The kind of a job as metrics show it, which everybody may read: the deliveries to all
/// webhooks of the operator are one, those to all webhooks of scopes, and the mails to all users.
pub(crate) fn metric_kind(kind: &str) -> &str {
    match kind.split_once(':') {
        Some((NewJob::WEBHOOK, _)) if kind.starts_with(ScopeWebhook::KIND_PREFIX) => "webhook:scopes",
        Some((NewJob::WEBHOOK, _)) => NewJob::WEBHOOK,
        Some((NewJob::MAIL, _)) => NewJob::MAIL,
        _ => kind,
    }
}

/// The kinds of the registry's own jobs.
pub(crate) const OWN_JOB_KINDS: [&str; 6] =
    [NewJob::CDN, NewJob::EVENT, NewJob::MAIL, NewJob::WEBHOOK, NewJob::PRUNE_AUDIT, NewJob::DROP_AGED];

/// Whether whoever does the jobs of `handled` does those of `kind`: the same kind, or one that begins with it and a
/// colon.
pub(crate) fn is_kind_of(handled: &str, kind: &str) -> bool {
    kind.strip_prefix(handled).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

impl JobId {
    /// The id of the job `name` that follows from this one: the same however often it is made.
    #[must_use]
    pub fn follow_up(self, name: &str) -> Self {
        let hash = Sha256::new().chain_update(Uuid::from(self)).chain_update(name).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        Self::from(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// A job to queue.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Its id. A job whose id is in the queue already is not queued again.
    pub id: JobId,
    /// What kind of work it is, such as `event`.
    pub kind: String,
    /// What is to be done, as the kind of work knows it; never a secret.
    pub payload: Value,
}

impl NewJob {
    /// What the payload of a delivery that only tests a webhook calls its event.
    pub const PING: &str = "ping";
    /// Where the payload of a mail has the sealed address that it goes to, if that is not the account's.
    const ADDRESS: &str = "address";
    /// The kind of the jobs that hand an event to its subscribers.
    pub const EVENT: &str = "event";
    /// The kind of mails to users; those to several users about one event are kinds below it.
    pub const MAIL: &str = "mail";
    /// What the kinds of deliveries to webhooks begin with, before a colon.
    pub const WEBHOOK: &str = "webhook";

    /// The kind of the jobs that delete old entries of the audit log.
    pub const PRUNE_AUDIT: &str = "prune_audit";

    /// The job that deletes old entries of the audit log, which was pruned up to `pruned` before.
    pub fn prune_audit(pruned: ChainLink) -> Self {
        // One id as long as nothing was deleted: replicas share the job, and one that was given up stays the only one.
        let id = JobId::from(Uuid::nil()).follow_up(&format!("{} after {pruned}", Self::PRUNE_AUDIT));
        Self { id, kind: Self::PRUNE_AUDIT.to_owned(), payload: Value::Null }
    }

    /// The kind of the jobs that purge a CDN.
    pub const CDN: &str = "cdn";

    /// The kind of the jobs that delete rows which are no longer kept.
    pub const DROP_AGED: &str = "drop_aged";

    /// The job that deletes a part of the rows that have aged since before that day.
    pub fn drop_aged(what: Aged, before: Timestamp, part: u64) -> Self {
        // One id for a day and part, so that replicas share the job.
        let (kind, name) = (Self::DROP_AGED, what.as_str());
        let id = JobId::from(Uuid::nil()).follow_up(&format!("{kind} {name} before {before}, part {part}"));
        Self { id, kind: kind.to_owned(), payload: json!({"what": name, "part": part}) }
    }

    /// The job that hands what `entry` records to the subscribers; `None` for
    /// entries that nobody can subscribe to.
    pub fn of_event(entry: &NewAuditEntry) -> Option<Self> {
        let queued = || Self { id: entry.id.into(), kind: Self::EVENT.to_owned(), payload: Self::payload_of(entry) };
        entry.event.can_be_subscribed().then(queued)
    }

    /// The job that sends a mail about what `entry` records, for events that nobody can subscribe to.
    pub fn mail(entry: &NewAuditEntry) -> Self {
        let id = JobId::from(entry.id).follow_up(Self::MAIL);
        Self { id, kind: Self::MAIL.to_owned(), payload: Self::payload_of(entry) }
    }

    /// The job that sends a mail about what `entry` records to an address that the account no longer has.
    pub fn mail_to(entry: &NewAuditEntry, address: &SealedSecret) -> Self {
        let id = JobId::from(entry.id).follow_up("mail to the address before");
        let mut payload = Self::payload_of(entry);
        payload[Self::ADDRESS] = address.as_str().into();
        Self { id, kind: Self::MAIL.to_owned(), payload }
    }

    fn payload_of(entry: &NewAuditEntry) -> Value {
        let NewAuditEntry { id, event, actor, package, version, timestamp, metadata } = entry;
        json!({
            "id": id.to_string(),
            "event": event.as_str(),
            "actor": actor,
            "package": package.as_ref().map(ToString::to_string),
            "version": version,
            "timestamp": timestamp.as_microsecond(),
            "metadata": metadata,
        })
    }

    /// The job of `kind` that follows from the event of `job`, with the same payload.
    pub fn for_subscriber(job: &Job, kind: &str) -> Self {
        Self { id: job.id.follow_up(kind), kind: kind.to_owned(), payload: job.payload.clone() }
    }
}

/// A job in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What kind of work it is.
    pub kind: String,
    /// What is to be done.
    pub payload: Value,
    /// When it was queued, by the clock of the database.
    pub created_at: Timestamp,
    /// From when on it may be done; while it is running, when its lease ends.
    pub due_at: Timestamp,
    /// How it stands.
    pub state: JobState,
    /// How often it was begun since it was queued or sent back to work.
    pub attempts: u64,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// When it was done or given up.
    pub ended_at: Option<Timestamp>,
}

impl Job {
    /// The sealed address that a mail goes to, if that is not the account's.
    pub fn mail_address(&self) -> Option<SealedSecret> {
        self.payload[NewJob::ADDRESS].as_str().map(SealedSecret::new)
    }

    /// The event of a job that a subscriber got.
    ///
    /// # Errors
    /// An error of [`Error::internal`] where the payload holds none that this release knows.
    pub fn event(&self) -> Result<NewAuditEntry> {
        let unreadable = |field: &str| Error::internal(format!("the event of a job has no usable `{field}`"));
        let text = |field: &str| self.payload[field].as_str();
        Ok(NewAuditEntry {
            id: text("id").and_then(|id| id.parse().ok()).ok_or_else(|| unreadable("id"))?,
            event: text("event").and_then(AuditEvent::parse).ok_or_else(|| unreadable("event"))?,
            actor: text("actor").map(str::to_owned),
            package: text("package").map(str::parse).transpose().map_err(|_| unreadable("package"))?,
            version: text("version").map(str::to_owned),
            timestamp: self.payload["timestamp"]
                .as_i64()
                .and_then(|micros| Timestamp::from_microsecond(micros).ok())
                .ok_or_else(|| unreadable("timestamp"))?,
            metadata: self.payload["metadata"].as_object().map_or_else(Map::new, Clone::clone),
        })
    }
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It waits for its turn, for the first time or after a failure.
    Waiting,
    /// Somebody has leased it.
    Running,
    /// It was given up; the operator sends it back to work or drops it.
    Failed,
    /// It is done, and is kept for a while to be looked at or to be done again.
    Done,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Failed, Self::Done];

    /// The state as text, such as `waiting`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Done => "done",
        }
    }

    /// Reads the state's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A job that somebody does, and the proof of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LeasedJob {
    /// The job.
    pub job: Job,
    /// The lease.
    pub lease: JobLease,
}

/// How an attempt at a job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum JobEnd {
    /// It is done, and leaves the queue. The jobs that follow from it are queued in the same transaction.
    Done(Vec<NewJob>),
    /// It is done, and stays in the queue until it is [forgotten](crate::ports::JobQueue::forget_jobs).
    Kept,
    /// It failed, and is tried again.
    Again {
        /// After how long.
        after: Duration,
        /// Why it failed; never a secret.
        error: String,
    },
    /// It is given up, and stays in the queue for the operator to see.
    Failed(String),
}

/// Which jobs to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFilter {
    /// Only the one with this id.
    pub id: Option<JobId>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only those that stand so; `None` for all that are not done.
    pub state: Option<JobState>,
    /// Whether those that are done are listed too, where `state` is `None`.
    pub with_done: bool,
    /// Whether the newest come first; else the oldest do.
    pub newest_first: bool,
    /// The page.
    pub page: PageRequest,
}

/// Which jobs to send back to work or to drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobSelection {
    /// Those with these ids, however they stand.
    Ids(Vec<JobId>),
    /// Those that were given up.
    Failed {
        /// Only of this kind.
        kind: Option<String>,
    },
    /// Those of this kind that are not done.
    OfKind(String),
}

/// How many jobs of a kind there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFigures {
    /// The kind.
    pub kind: String,
    /// Those that wait or run, counted up to [`MOST`](Self::MOST).
    pub waiting: u64,
    /// Those that were given up, counted up to [`MOST`](Self::MOST).
    pub failed: u64,
    /// For how long the job that is longest overdue has been so.
    pub overdue: Duration,
}

impl JobFigures {
    /// How many jobs of a kind are counted: what they are counted by should not grow with the queue.
    pub const MOST: u64 = 10_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> NewAuditEntry {
        NewAuditEntry::new(AuditEvent::PackagePublish, Timestamp::UNIX_EPOCH)
            .with_actor("ada")
            .with_package(&"@team/kit".parse().expect("a name"))
            .with_version(&"1.0.0".parse().expect("a version"))
            .with("tag", "beta")
    }

    fn job(new: NewJob) -> Job {
        let NewJob { id, kind, payload } = new;
        let at = Timestamp::UNIX_EPOCH;
        let state = JobState::Waiting;
        Job { id, kind, payload, created_at: at, due_at: at, state, attempts: 0, last_error: None, ended_at: None }
    }

    #[test]
    fn an_event_survives_the_queue() {
        let bare = NewAuditEntry::new(AuditEvent::UserRegister, Timestamp::UNIX_EPOCH);
        for entry in [entry(), bare] {
            let queued = job(NewJob::of_event(&entry).expect("an event"));
            assert_eq!(Uuid::from(queued.id), entry.id);
            assert_eq!(queued.event().expect("readable"), entry);
        }
    }

    #[test]
    fn a_login_makes_no_event() {
        for event in [AuditEvent::UserLogin, AuditEvent::UserLoginFailed, AuditEvent::UserLogout] {
            assert_eq!(NewJob::of_event(&NewAuditEntry::new(event, Timestamp::UNIX_EPOCH)), None);
        }
    }

    #[test]
    fn what_follows_has_one_id_however_often_it_is_made() {
        let entry = entry();
        let event = job(NewJob::of_event(&entry).expect("an event"));
        let [mail, again, other] = ["mail", "mail", "scan"].map(|kind| NewJob::for_subscriber(&event, kind));
        assert_eq!(mail, again);
        assert_ne!(mail.id, other.id);
        assert_eq!(job(mail).event().expect("readable"), entry);
    }
}
