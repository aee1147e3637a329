use std::time::Duration;

use aam_registry_core::{
    Result,
    ports::JobQueue,
    types::{Job, JobEnd, JobFigures, JobFilter, JobId, JobLease, JobSelection, JobState, LeasedJob, NewJob, Page},
};
use async_trait::async_trait;
use rusqlite::{Connection, Row};

use super::{
    SqliteMetadata,
    failure::Tx,
    sql::{self, now},
};
use crate::relational::{
    columns,
    jobs::{due_kinds, job_columns, job_figures},
};

/// What [`job`] reads; how a job stands depends on the instant `?1`.
const COLUMNS: &str = job_columns!("", "?1");
const DUE_KINDS: &str = due_kinds!("?1");
pub(super) const FIGURES: &str = job_figures!("?1", "?2");
const DUE: &str = "SELECT id FROM jobs WHERE failed_at IS NULL AND done_at IS NULL AND kind = ?1 AND due_at <= ?2
    ORDER BY due_at, id LIMIT ?3";

const RETRY: &str = "UPDATE jobs SET lease = NULL, due_at = ?1, attempts = 0, failed_at = NULL, done_at = NULL
    WHERE (failed_at IS NOT NULL OR done_at IS NOT NULL OR lease IS NULL OR due_at <= ?1)";

/// Makes a job due, in the transaction of what it follows from.
pub(super) fn retry(tx: &Connection, id: JobId) -> Tx<()> {
    sql::run(tx, &format!("{RETRY} AND id = ?2"), (now(), id.to_string())).map(drop)
}

/// How the job `id` of `kind` stands.
pub(super) fn state(tx: &Connection, id: JobId, kind: &str) -> Tx<Option<JobState>> {
    let query = format!("SELECT {COLUMNS} FROM jobs WHERE id = ?2 AND kind = ?3");
    Ok(sql::first(tx, &query, (now(), id.to_string(), kind), job)?.map(|job| job.state))
}

/// Queues a job, in the transaction of what it follows from.
pub(super) fn add(tx: &Connection, job: &NewJob) -> Tx<()> {
    let now = now();
    sql::run(
        tx,
        "INSERT INTO jobs (id, kind, payload, created_at, due_at) VALUES (?1, ?2, ?3, ?4, ?4)
         ON CONFLICT (id) DO NOTHING",
        (job.id.to_string(), &job.kind, serde_json::to_string(&job.payload)?, now),
    )
    .map(drop)
}

#[async_trait]
impl JobQueue for SqliteMetadata {
    async fn enqueue(&self, jobs: &[NewJob]) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        let jobs = jobs.to_vec();
        self.write(move |tx| jobs.iter().try_for_each(|job| add(tx, job))).await
    }

    async fn due_kinds(&self) -> Result<Vec<String>> {
        self.read(move |tx| sql::all(tx, DUE_KINDS, [now()], sql::value)).await
    }

    async fn lease_jobs(&self, kind: &str, limit: usize, lease: JobLease, lasting: Duration) -> Result<Vec<LeasedJob>> {
        let kind = kind.to_owned();
        // Read first: an empty write would still sync the disk.
        let asked = kind.clone();
        if !self.read(move |tx| sql::exists(tx, DUE, (asked, now(), 1))).await? {
            return Ok(Vec::new());
        }
        self.write(move |tx| {
            let now = now();
            let ids: Vec<String> = sql::all(tx, DUE, (kind, now, columns::limit(limit)), sql::value)?;
            let until = now.saturating_add(micros(lasting));
            let take = "UPDATE jobs SET lease = ?2, due_at = ?3, attempts = attempts + 1 WHERE id = ?1";
            let query = format!("SELECT {COLUMNS} FROM jobs WHERE id = ?2");
            let mut leased = Vec::new();
            for id in ids {
                sql::run(tx, take, (&id, lease.to_string(), until))?;
                leased.extend(sql::first(tx, &query, (now, id), job)?.map(|job| LeasedJob { job, lease }));
            }
            Ok(leased)
        })
        .await
    }

    async fn finish_job(&self, leased: &LeasedJob, end: &JobEnd) -> Result<bool> {
        let (held, end) = ((leased.job.id.to_string(), leased.lease.to_string()), end.clone());
        self.write(move |tx| {
            let (id, lease) = held;
            let ended = match &end {
                JobEnd::Done(_) => sql::run(tx, "DELETE FROM jobs WHERE id = ?1 AND lease = ?2", (id, lease))?,
                JobEnd::Kept => {
                    let keep =
                        "UPDATE jobs SET lease = NULL, done_at = ?3, last_error = NULL WHERE id = ?1 AND lease = ?2";
                    sql::run(tx, keep, (id, lease, now()))?
                }
                JobEnd::Again { after, error } => {
                    let again =
                        "UPDATE jobs SET lease = NULL, due_at = ?3, last_error = ?4 WHERE id = ?1 AND lease = ?2";
                    sql::run(tx, again, (id, lease, now().saturating_add(micros(*after)), error))?
                }
                JobEnd::Failed(error) => {
                    let fail =
                        "UPDATE jobs SET lease = NULL, failed_at = ?3, last_error = ?4 WHERE id = ?1 AND lease = ?2";
                    sql::run(tx, fail, (id, lease, now(), error))?
                }
            };
            if let JobEnd::Done(follow_ups) = &end
                && ended > 0
            {
                follow_ups.iter().try_for_each(|job| add(tx, job))?;
            }
            Ok(ended > 0)
        })
        .await
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>> {
        let filter = filter.clone();
        self.read_document(move |tx| jobs(tx, &filter)).await
    }

    async fn retry_jobs(&self, which: &JobSelection) -> Result<u64> {
        let (condition, params) = condition(which)?;
        self.write(move |tx| {
            let retry = format!("{RETRY} AND {condition}");
            Ok(sql::run(tx, &retry, (now(), params))? as u64)
        })
        .await
    }

    async fn drop_jobs(&self, which: &JobSelection) -> Result<u64> {
        let (condition, params) = condition(which)?;
        self.write(move |tx| {
            Ok(sql::run(tx, &format!("DELETE FROM jobs WHERE ?1 IS NOT NULL AND {condition}"), (now(), params))? as u64)
        })
        .await
    }

    async fn drop_oldest_jobs(&self, kind: &str, keep: u64) -> Result<u64> {
        let kind = kind.to_owned();
        let oldest = "SELECT id FROM jobs WHERE kind = ?1 AND failed_at IS NULL AND done_at IS NULL
                      ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?2";
        self.write(move |tx| {
            let drop = format!("DELETE FROM jobs WHERE id IN ({oldest})");
            Ok(sql::run(tx, &drop, (kind, columns::signed(keep)))? as u64)
        })
        .await
    }

    async fn forget_jobs(&self, prefix: &str, ended_for: Duration, limit: usize) -> Result<u64> {
        let (prefix, before) = (prefix.to_owned(), now().saturating_sub(micros(ended_for)));
        let old = "SELECT id FROM jobs WHERE COALESCE(done_at, failed_at) < ?1
                   AND substr(kind, 1, length(?2)) = ?2 ORDER BY COALESCE(done_at, failed_at) LIMIT ?3";
        let asked = prefix.clone();
        if !self.read(move |tx| sql::exists(tx, old, (before, asked, 1))).await? {
            return Ok(0);
        }
        self.write(move |tx| {
            let forget = format!("DELETE FROM jobs WHERE id IN ({old})");
            Ok(sql::run(tx, &forget, (before, prefix, columns::limit(limit)))? as u64)
        })
        .await
    }

    async fn job_figures(&self) -> Result<Vec<JobFigures>> {
        self.read(move |tx| {
            sql::all(tx, FIGURES, (now(), columns::signed(JobFigures::MOST)), |row| {
                Ok(JobFigures {
                    kind: row.get(0)?,
                    waiting: sql::unsigned(row, 1)?,
                    failed: sql::unsigned(row, 2)?,
                    overdue: columns::overdue(row.get(3)?),
                })
            })
        })
        .await
    }
}

/// The condition that a selection is in SQL, with the parameter `?2`.
fn condition(which: &JobSelection) -> Result<(&'static str, Option<String>)> {
    Ok(match which {
        JobSelection::Ids(ids) => {
            let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
            let ids = serde_json::to_string(&ids).map_err(aam_registry_core::Error::internal)?;
            ("id IN (SELECT value FROM json_each(?2))", Some(ids))
        }
        JobSelection::Failed { kind: None } => ("failed_at IS NOT NULL AND ?2 IS NULL", None),
        JobSelection::Failed { kind } => ("failed_at IS NOT NULL AND kind = ?2", kind.clone()),
        JobSelection::OfKind(kind) => ("done_at IS NULL AND kind = ?2", Some(kind.clone())),
    })
}

fn jobs(tx: &Connection, filter: &JobFilter) -> Tx<Page<Job>> {
    let (now, id, state) = (now(), filter.id.map(|id| id.to_string()), filter.state.map(JobState::as_str));
    // A condition that is not asked for would keep the index from being used.
    let of_kind = if filter.kind.is_some() { "kind = ?3" } else { "?3 IS NULL" };
    let of_id = if filter.id.is_some() { "id = ?2" } else { "?2 IS NULL" };
    let wanted = format!(
        "FROM (SELECT {COLUMNS} FROM jobs) WHERE {of_id} AND {of_kind} AND CASE WHEN ?4 IS NULL THEN ?5 OR state <> 'done' ELSE state = ?4 END"
    );
    let count = format!("SELECT count(*) {wanted}");
    let total = sql::first(tx, &count, (now, &id, &filter.kind, state, filter.with_done), |row| sql::unsigned(row, 0))?;
    let (limit, offset) = (columns::signed(filter.page.limit), columns::signed(filter.page.offset()));
    let order = if filter.newest_first { "created_at DESC, id DESC" } else { "created_at, id" };
    let query = format!("SELECT * {wanted} ORDER BY {order} LIMIT ?6 OFFSET ?7");
    let items = sql::all(tx, &query, (now, id, &filter.kind, state, filter.with_done, limit, offset), job)?;
    Ok(Page { items, total: total.unwrap_or(0), request: filter.page })
}

fn job(row: &Row<'_>) -> Tx<Job> {
    Ok(Job {
        id: sql::parsed(row, 0)?,
        kind: row.get(1)?,
        payload: sql::coded(row, 2, |text| Ok(serde_json::from_str(text)?))?,
        created_at: sql::instant(row, 3)?,
        due_at: sql::instant(row, 4)?,
        state: sql::coded(row, 5, columns::job_state)?,
        attempts: sql::unsigned(row, 6)?,
        last_error: row.get(7)?,
        ended_at: sql::optional_instant(row, 8)?,
    })
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
