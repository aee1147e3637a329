//! `jobs`.

use std::fmt::Write;

use aam_registry_core::types::{Job, JobFilter, JobId, JobSelection, PageRequest};
use serde_json::{Value, json};

use super::{Answer, Failed, user::on_registry};
use crate::{
    cli::{ListJobs, PickedJobs},
    config::Surroundings,
};

/// Lists queued jobs.
pub(super) fn list(command: &ListJobs, surroundings: Surroundings) -> Result<Answer, Failed> {
    let page = PageRequest { page: 1, limit: command.limit };
    let filter = JobFilter {
        id: None,
        kind: command.kind.clone(),
        state: command.state,
        with_done: false,
        newest_first: false,
        page,
    };
    let (found, handled) = on_registry(surroundings, async |registry| {
        let found = registry.jobs(&filter).await?;
        let handled: Vec<_> = found.items.iter().map(|job| registry.handles_jobs_of(&job.kind)).collect();
        Ok((found, handled))
    })?;
    let mut text = String::new();
    for (job, is_handled) in found.items.iter().zip(&handled) {
        let _ = write!(text, "{} {:<12} {:<8}", job.id, job.kind, job.state.as_str());
        if !is_handled {
            text.push_str(" (no handler: remove it with `jobs drop`)");
        }
        let _ = write!(text, " attempts: {}, due {}", job.attempts, job.due_at);
        if let Some(error) = &job.last_error {
            // What others answered is not to move the cursor of a terminal.
            let shown: String = error.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let _ = write!(text, ": {shown}");
        }
        text.push('\n');
    }
    let shown = found.items.len() as u64;
    if shown == 0 {
        text.push_str("no such jobs");
    } else if shown < found.total {
        let _ = write!(text, "{shown} of {} jobs, oldest first; --limit shows more", found.total);
    }
    let jobs: Vec<_> = found.items.iter().zip(handled).map(|(job, is_handled)| job_json(job, is_handled)).collect();
    Ok(Answer::new(command.json, text, &json!({ "jobs": jobs, "total": found.total })))
}

/// Sends jobs back to work.
pub(super) fn retry(command: &PickedJobs, surroundings: Surroundings) -> Result<Answer, Failed> {
    let which = selection(command)?;
    let count = on_registry(surroundings, async |registry| Ok(registry.retry_jobs(&which).await?))?;
    let text = match count {
        0 => "no such job, or it is running".to_owned(),
        1 => "1 job is due now".to_owned(),
        many => format!("{many} jobs are due now"),
    };
    Ok(done(command, &text, "retried", count))
}

/// Removes jobs from the queue.
pub(super) fn drop(command: &PickedJobs, surroundings: Surroundings) -> Result<Answer, Failed> {
    let which = selection(command)?;
    let count = on_registry(surroundings, async |registry| Ok(registry.drop_jobs(&which).await?))?;
    let text = match count {
        0 => "no such job".to_owned(),
        1 => "1 job removed; what it was to do is not done".to_owned(),
        many => format!("{many} jobs removed; what they were to do is not done"),
    };
    Ok(done(command, &text, "dropped", count))
}

/// The answer to a change. Where jobs were named and none was changed, the exit code is that of a failure.
fn done(command: &PickedJobs, text: &str, key: &str, count: u64) -> Answer {
    Answer::new(command.json, text, &json!({ key: count })).bad_unless(count > 0 || command.ids.is_empty())
}

fn selection(command: &PickedJobs) -> Result<JobSelection, Failed> {
    match &command.kind {
        kind if command.failed => return Ok(JobSelection::Failed { kind: kind.clone() }),
        Some(kind) => return Ok(JobSelection::OfKind(kind.clone())),
        None => {}
    }
    let id = |text: &String| text.parse::<JobId>().map_err(|_| Failed(format!("{text} is not the id of a job")));
    Ok(JobSelection::Ids(command.ids.iter().map(id).collect::<Result<_, _>>()?))
}

fn job_json(job: &Job, is_handled: bool) -> Value {
    json!({
        "id": job.id.to_string(),
        "kind": job.kind,
        "state": job.state.as_str(),
        "has_handler": is_handled,
        "attempts": job.attempts,
        "created_at": job.created_at.to_string(),
        "due_at": job.due_at.to_string(),
        "last_error": job.last_error,
        "payload": job.payload,
    })
}
