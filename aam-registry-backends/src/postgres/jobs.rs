use std::time::Duration;

use aam_registry_core::{
    Result,
    ports::JobQueue,
    types::{Job, JobEnd, JobFigures, JobFilter, JobId, JobLease, JobSelection, JobState, LeasedJob, NewJob, Page},
};
use async_trait::async_trait;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    connection::Session,
    failure::Tx,
    sql::{self, Text, now},
};
use crate::relational::{
    columns,
    jobs::{due_kinds, job_columns, job_figures},
};

/// What [`job`] reads.
macro_rules! columns {
    () => {
        job_columns!("j.", now!())
    };
}

/// The jobs of a filter, of which `$chosen` are looked at: a condition that is not asked for would keep an index from
/// being used.
macro_rules! filtered {
    ($chosen:literal) => {
        concat!(
            " FROM (SELECT ",
            columns!(),
            " FROM jobs j) found WHERE ",
            $chosen,
            "
              AND CASE WHEN $3::text IS NULL THEN $4 OR state <> 'done' ELSE state = $3 END"
        )
    };
}

/// The jobs of a selection: these ids; or, of a kind or of all, those that were given up or all that are not done.
macro_rules! selected {
    () => {
        "CASE WHEN $1::uuid[] IS NOT NULL THEN id = ANY($1)
              ELSE done_at IS NULL AND (failed_at IS NOT NULL OR NOT $3) AND ($2::text IS NULL OR kind = $2) END"
    };
}

pub(super) const ENQUEUE: &str = concat!(
    "INSERT INTO jobs (id, kind, payload, created_at, due_at)
     SELECT new.id, new.kind, new.payload, ",
    now!(),
    ", ",
    now!(),
    " FROM unnest($1::uuid[], $2::text[], $3::text[]) new (id, kind, payload) ORDER BY new.id
     ON CONFLICT (id) DO NOTHING"
);
const DUE_KINDS: &str = due_kinds!(now!());
const LEASE: &str = concat!(
    "WITH due AS (
        SELECT id FROM jobs WHERE failed_at IS NULL AND done_at IS NULL AND kind = $1 AND due_at <= ",
    now!(),
    " ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs j SET lease = $3, due_at = ",
    now!(),
    " + $4, attempts = attempts + 1 FROM due WHERE j.id = due.id RETURNING ",
    columns!()
);
const DONE: &str = "DELETE FROM jobs WHERE id = $1 AND lease = $2";
const KEEP: &str =
    concat!("UPDATE jobs SET lease = NULL, done_at = ", now!(), ", last_error = NULL WHERE id = $1 AND lease = $2");
const AGAIN: &str =
    concat!("UPDATE jobs SET lease = NULL, due_at = ", now!(), " + $3, last_error = $4 WHERE id = $1 AND lease = $2");
const FAIL: &str =
    concat!("UPDATE jobs SET lease = NULL, failed_at = ", now!(), ", last_error = $3 WHERE id = $1 AND lease = $2");
/// The statements that list jobs: how many there are, the oldest first and the newest first.
struct Listing {
    count: &'static str,
    oldest_first: &'static str,
    newest_first: &'static str,
}

macro_rules! listing {
    ($chosen:literal) => {
        Listing {
            count: concat!("SELECT count(*)", filtered!($chosen)),
            oldest_first: concat!("SELECT *", filtered!($chosen), " ORDER BY created_at, id LIMIT $5 OFFSET $6"),
            newest_first: concat!(
                "SELECT *",
                filtered!($chosen),
                " ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6"
            ),
        }
    };
}

const ALL: Listing = listing!("$1::uuid IS NULL AND $2::text IS NULL");
const BY_ID: Listing = listing!("id = $1 AND ($2::text IS NULL OR kind = $2)");
const OF_KIND: Listing = listing!("$1::uuid IS NULL AND kind = $2");
/// How a job of a kind stands.
const STATE: &str = concat!("SELECT ", columns!(), " FROM jobs j WHERE j.id = $1 AND j.kind = $2");
/// Locks a job of a kind.
const LOCK: &str = "SELECT 1 FROM jobs WHERE id = $1 AND kind = $2 FOR NO KEY UPDATE";
const RETRY: &str = concat!(
    "UPDATE jobs SET lease = NULL, due_at = ",
    now!(),
    ", attempts = 0, failed_at = NULL, done_at = NULL
     WHERE (failed_at IS NOT NULL OR done_at IS NOT NULL OR lease IS NULL OR due_at <= ",
    now!(),
    ") AND ",
    selected!()
);
pub(super) const RETRY_ONE: &str = concat!(
    "UPDATE jobs SET lease = NULL, due_at = ",
    now!(),
    ", attempts = 0, failed_at = NULL, done_at = NULL WHERE id = $1"
);
const FORGET: &str = concat!(
    "DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs WHERE COALESCE(done_at, failed_at) < ",
    now!(),
    " - $1 AND starts_with(kind, $2) ORDER BY COALESCE(done_at, failed_at) LIMIT $3 FOR UPDATE SKIP LOCKED
    )"
);
const DROP_OLDEST: &str = "DELETE FROM jobs WHERE id IN (
        SELECT id FROM jobs WHERE kind = $1 AND failed_at IS NULL AND done_at IS NULL
        ORDER BY created_at DESC, id DESC OFFSET $2 FOR UPDATE SKIP LOCKED
    )";
const DROP: &str = concat!("DELETE FROM jobs WHERE ", selected!());
const FIGURES: &str = job_figures!(now!(), "$1::bigint");

#[async_trait]
impl JobQueue for PostgresMetadata {
    async fn enqueue(&self, jobs: &[NewJob]) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        self.repeatable(|tx| async move { enqueue(&tx, jobs).await }).await
    }

    async fn due_kinds(&self) -> Result<Vec<String>> {
        self.read(|tx| async move { sql::all(&tx, DUE_KINDS, [], |row| sql::text(row, 0)).await }).await
    }

    async fn lease_jobs(&self, kind: &str, limit: usize, lease: JobLease, lasting: Duration) -> Result<Vec<LeasedJob>> {
        let (limit, id, lasting) = (columns::limit(limit), Uuid::from(lease), sql::micros(lasting));
        let mut leased: Vec<_> = self
            .repeatable(|tx| async move {
                sql::all(&tx, LEASE, [&kind, &limit, &id, &lasting], |row| Ok(LeasedJob { job: job(row)?, lease }))
                    .await
            })
            .await?;
        // The statement gives its rows in no order.
        leased.sort_by_key(|leased: &LeasedJob| (leased.job.created_at, leased.job.id));
        Ok(leased)
    }

    async fn finish_job(&self, leased: &LeasedJob, end: &JobEnd) -> Result<bool> {
        let (id, lease) = (Uuid::from(leased.job.id), Uuid::from(leased.lease));
        self.write(|tx| async move {
            let ended = match end {
                JobEnd::Done(_) => sql::run(&tx, DONE, [&id, &lease]).await?,
                JobEnd::Kept => sql::run(&tx, KEEP, [&id, &lease]).await?,
                JobEnd::Again { after, error } => {
                    sql::run(&tx, AGAIN, [&id, &lease, &sql::micros(*after), &Text(error)]).await?
                }
                JobEnd::Failed(error) => sql::run(&tx, FAIL, [&id, &lease, &Text(error)]).await?,
            };
            if let JobEnd::Done(follow_ups) = end
                && ended > 0
                && !follow_ups.is_empty()
            {
                enqueue(&tx, follow_ups).await?;
            }
            Ok(ended > 0)
        })
        .await
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>> {
        let (id, kind) = (filter.id.map(Uuid::from), filter.kind.as_deref().map(Text));
        let state = filter.state.map(JobState::as_str);
        let (limit, offset) = (columns::signed(filter.page.limit), columns::signed(filter.page.offset()));
        self.snapshot(|tx| async move {
            let listing = match (&id, &kind) {
                (Some(_), _) => BY_ID,
                (None, Some(_)) => OF_KIND,
                (None, None) => ALL,
            };
            let done = filter.with_done;
            let list = if filter.newest_first { listing.newest_first } else { listing.oldest_first };
            let total =
                sql::first(&tx, listing.count, [&id, &kind, &state, &done], |row| sql::unsigned(row, 0)).await?;
            let items = sql::all(&tx, list, [&id, &kind, &state, &done, &limit, &offset], job).await?;
            Ok(Page { items, total: total.unwrap_or(0), request: filter.page })
        })
        .await
    }

    async fn retry_jobs(&self, which: &JobSelection) -> Result<u64> {
        let Selection { ids, kind, only_failed } = &selection(which);
        self.repeatable(|tx| async move { sql::run(&tx, RETRY, [ids, kind, only_failed]).await }).await
    }

    async fn drop_jobs(&self, which: &JobSelection) -> Result<u64> {
        let Selection { ids, kind, only_failed } = &selection(which);
        self.repeatable(|tx| async move { sql::run(&tx, DROP, [ids, kind, only_failed]).await }).await
    }

    async fn drop_oldest_jobs(&self, kind: &str, keep: u64) -> Result<u64> {
        let keep = columns::signed(keep);
        self.repeatable(|tx| async move { sql::run(&tx, DROP_OLDEST, [&kind, &keep]).await }).await
    }

    async fn forget_jobs(&self, prefix: &str, ended_for: Duration, limit: usize) -> Result<u64> {
        let (ended_for, limit) = (sql::micros(ended_for), columns::limit(limit));
        self.repeatable(|tx| async move { sql::run(&tx, FORGET, [&ended_for, &prefix, &limit]).await }).await
    }

    async fn job_figures(&self) -> Result<Vec<JobFigures>> {
        self.read(|tx| async move {
            sql::all(&tx, FIGURES, [&columns::signed(JobFigures::MOST)], |row| {
                Ok(JobFigures {
                    kind: sql::text(row, 0)?,
                    waiting: sql::unsigned(row, 1)?,
                    failed: sql::unsigned(row, 2)?,
                    overdue: columns::overdue(row.try_get(3)?),
                })
            })
            .await
        })
        .await
    }
}

/// Locks the job `id` of `kind`, and tells how it stands.
pub(super) async fn state(tx: &Session, id: JobId, kind: &str) -> Tx<Option<JobState>> {
    let id = Uuid::from(id);
    if !sql::exists(tx, LOCK, [&id, &kind]).await? {
        return Ok(None);
    }
    Ok(sql::first(tx, STATE, [&id, &kind], job).await?.map(|job| job.state))
}

pub(super) async fn enqueue(tx: &Session, jobs: &[NewJob]) -> Tx<()> {
    let ids: Vec<_> = jobs.iter().map(|job| Uuid::from(job.id)).collect();
    let kinds: Vec<_> = jobs.iter().map(|job| Text(&job.kind)).collect();
    let payloads = jobs.iter().map(|job| serde_json::to_string(&job.payload)).collect::<Result<Vec<_>, _>>()?;
    sql::run(tx, ENQUEUE, [&ids, &kinds, &payloads]).await.map(drop)
}

/// The parameters of a selection.
struct Selection<'a> {
    ids: Option<Vec<Uuid>>,
    kind: Option<Text<'a>>,
    only_failed: bool,
}

fn selection(which: &JobSelection) -> Selection<'_> {
    match which {
        JobSelection::Ids(ids) => {
            let ids = Some(ids.iter().copied().map(Uuid::from).collect());
            Selection { ids, kind: None, only_failed: false }
        }
        JobSelection::Failed { kind } => Selection { ids: None, kind: kind.as_deref().map(Text), only_failed: true },
        JobSelection::OfKind(kind) => Selection { ids: None, kind: Some(Text(kind)), only_failed: false },
    }
}

fn job(row: &Row) -> Tx<Job> {
    Ok(Job {
        id: sql::id(row, 0)?,
        kind: sql::text(row, 1)?,
        payload: sql::coded(row, 2, |text| Ok(serde_json::from_str(text)?))?,
        created_at: sql::instant(row, 3)?,
        due_at: sql::instant(row, 4)?,
        state: sql::coded(row, 5, columns::job_state)?,
        attempts: sql::unsigned(row, 6)?,
        last_error: sql::optional_text(row, 7)?,
        ended_at: sql::optional_instant(row, 8)?,
    })
}
