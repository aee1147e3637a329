use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    ports::{JobFailure, JobHandler},
    types::{AuditEvent, Job, NewJob},
};

/// Hands each event to its subscribers: a job for each, so that one that fails keeps no other waiting.
#[derive(Debug)]
pub(super) struct FanOut {
    pub(super) subscribers: Vec<Arc<dyn JobHandler>>,
}

#[async_trait]
impl JobHandler for FanOut {
    fn kind(&self) -> &'static str {
        NewJob::EVENT
    }

    fn wants(&self, _: AuditEvent) -> bool {
        false
    }

    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure> {
        let event = job.event()?;
        let mut follow_ups = Vec::new();
        for subscriber in &self.subscribers {
            let kinds = subscriber.kinds_for(&event).await?;
            follow_ups.extend(kinds.iter().map(|kind| NewJob::for_subscriber(job, kind)));
        }
        Ok(follow_ups)
    }
}
