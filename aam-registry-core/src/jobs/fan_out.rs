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
        let event = job.event()?.event;
        let wanting = self.subscribers.iter().filter(|subscriber| subscriber.wants(event));
        Ok(wanting.map(|subscriber| NewJob::for_subscriber(job, subscriber.kind())).collect())
    }
}
