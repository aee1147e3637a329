use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryMetadata;
use crate::{
    error::Result,
    ports::JobQueue,
    types::{Job, JobEnd, JobFigures, JobFilter, JobLease, JobSelection, JobState, LeasedJob, NewJob, Page},
};

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[async_trait]
impl JobQueue for MemoryMetadata {
    async fn enqueue(&self, jobs: &[NewJob]) -> Result<()> {
        let (now, mut tables) = (self.clock.now(), self.tables());
        for job in jobs {
            tables.jobs.add(job.clone(), now);
        }
        Ok(())
    }

    async fn due_kinds(&self) -> Result<Vec<String>> {
        let (now, tables) = (self.clock.now(), self.tables());
        let mut kinds = BTreeMap::new();
        for Job { kind, due_at, .. } in
            tables.jobs.0.values().filter(|queued| queued.is_due(now)).map(|queued| &queued.job)
        {
            let first = kinds.entry(kind).or_insert(*due_at);
            *first = (*first).min(*due_at);
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(kind, due_at)| (*due_at, *kind));
        Ok(kinds.into_iter().map(|(kind, _)| kind.clone()).collect())
    }

    async fn lease_jobs(&self, kind: &str, limit: usize, lease: JobLease, lasting: Duration) -> Result<Vec<LeasedJob>> {
        let (now, mut tables) = (self.clock.now(), self.tables());
        let mut due: Vec<_> =
            tables.jobs.0.values_mut().filter(|queued| queued.job.kind == kind && queued.is_due(now)).collect();
        due.sort_by_key(|queued| (queued.job.due_at, queued.job.id));
        due.truncate(limit);
        let leased = due.into_iter().map(|queued| {
            queued.lease = Some(lease);
            queued.job.due_at = later(now, lasting);
            queued.job.attempts += 1;
            LeasedJob { job: Job { state: JobState::Running, ..queued.job.clone() }, lease }
        });
        Ok(leased.collect())
    }

    async fn finish_job(&self, leased: &LeasedJob, end: &JobEnd) -> Result<bool> {
        let (now, mut tables) = (self.clock.now(), self.tables());
        let id = leased.job.id;
        let Some(queued) = tables.jobs.0.get_mut(&id).filter(|queued| queued.lease == Some(leased.lease)) else {
            return Ok(false);
        };
        queued.lease = None;
        match end {
            JobEnd::Done(follow_ups) => {
                tables.jobs.0.remove(&id);
                for job in follow_ups {
                    tables.jobs.add(job.clone(), now);
                }
            }
            JobEnd::Kept => {
                queued.job = Job { state: JobState::Done, last_error: None, ended_at: Some(now), ..queued.job.clone() };
            }
            JobEnd::Again { after, error } => {
                queued.job.due_at = later(now, *after);
                queued.job.last_error = Some(error.clone());
            }
            JobEnd::Failed(error) => {
                queued.job.state = JobState::Failed;
                queued.job.ended_at = Some(now);
                queued.job.last_error = Some(error.clone());
            }
        }
        Ok(true)
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Page<Job>> {
        let (now, tables) = (self.clock.now(), self.tables());
        let all = tables.jobs.0.values().map(|queued| Job { state: queued.state(now), ..queued.job.clone() });
        let mut found: Vec<_> = all.filter(|job| filter.admits(job)).collect();
        found.sort_by_key(|job| (job.created_at, job.id));
        if filter.newest_first {
            found.reverse();
        }
        let total = found.len();
        Ok(Page::of(found.into_iter(), total, filter.page))
    }

    async fn retry_jobs(&self, which: &JobSelection) -> Result<u64> {
        let (now, mut tables) = (self.clock.now(), self.tables());
        Ok(tables.jobs.retry(which, now))
    }

    async fn drop_jobs(&self, which: &JobSelection) -> Result<u64> {
        let mut tables = self.tables();
        let before = tables.jobs.0.len();
        tables.jobs.0.retain(|_, queued| !queued.is_of(which));
        Ok((before - tables.jobs.0.len()) as u64)
    }

    async fn drop_oldest_jobs(&self, kind: &str, keep: u64) -> Result<u64> {
        let mut tables = self.tables();
        let open = tables.jobs.0.values().map(|queued| &queued.job);
        let open = open.filter(|job| job.kind == kind && job.state == JobState::Waiting);
        let mut open: Vec<_> = open.map(|job| (job.created_at, job.id)).collect();
        open.sort();
        open.truncate(open.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX)));
        for (_, id) in &open {
            tables.jobs.0.remove(id);
        }
        Ok(open.len() as u64)
    }

    async fn forget_jobs(&self, prefix: &str, ended_for: Duration, limit: usize) -> Result<u64> {
        let (now, mut tables) = (self.clock.now(), self.tables());
        let is_old = |at: Timestamp| later(at, ended_for) < now;
        let old = tables.jobs.0.values().map(|queued| &queued.job);
        let old = old.filter(|job| job.kind.starts_with(prefix) && job.ended_at.is_some_and(is_old));
        let ids: Vec<_> = old.take(limit).map(|job| job.id).collect();
        for id in &ids {
            tables.jobs.0.remove(id);
        }
        Ok(ids.len() as u64)
    }

    async fn job_figures(&self) -> Result<Vec<JobFigures>> {
        let (now, tables) = (self.clock.now(), self.tables());
        let mut kinds = BTreeMap::new();
        for queued in tables.jobs.0.values().filter(|queued| queued.job.state != JobState::Done) {
            let kind = &queued.job.kind;
            let figures = kinds.entry(kind.clone()).or_insert_with(|| JobFigures {
                kind: kind.clone(),
                waiting: 0,
                failed: 0,
                overdue: Duration::ZERO,
            });
            if queued.job.state == JobState::Failed {
                figures.failed = (figures.failed + 1).min(JobFigures::MOST);
                continue;
            }
            figures.waiting = (figures.waiting + 1).min(JobFigures::MOST);
            let overdue = now.duration_since(queued.job.due_at);
            figures.overdue = figures.overdue.max(Duration::try_from(overdue).unwrap_or_default());
        }
        Ok(kinds.into_values().collect())
    }
}

impl JobFilter {
    fn admits(&self, job: &Job) -> bool {
        self.id.is_none_or(|id| job.id == id)
            && self.kind.as_ref().is_none_or(|kind| job.kind == *kind)
            && match self.state {
                Some(state) => job.state == state,
                None => self.with_done || job.state != JobState::Done,
            }
    }
}
