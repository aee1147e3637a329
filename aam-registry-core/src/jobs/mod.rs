//! What is done beside the requests and after them: one job a file.
//!
//! A periodic job is done again and again by every replica. A
//! [`JobHandler`] does the queued jobs of its kind,
//! which the replicas share by leases; one that subscribes to events gets a
//! job for each. A host adds its own with
//! [`RegistryBuilder::job_handler`](crate::registry::RegistryBuilder::job_handler).

mod attempt;
mod claim_storage;
mod fan_out;
mod flush_downloads;
mod forget_deliveries;
mod health;
mod log_reads;
mod mail;
mod measure_queue;
mod periodic;
mod prepare_searches;
mod prune_audit;
mod purge_cdn;
mod queue;
mod refresh_totals;
mod retention;
mod run;
mod sequence_audit;
mod sweep_uploads;
mod tell_of_tokens;
#[cfg(test)]
mod tests;
mod touch_sessions;
mod touch_tokens;
mod watch_read_only;
mod webhooks;
mod worker;

use std::sync::Arc;

use crate::{ports::JobHandler, registry::Registry};
use periodic::PeriodicJob;

/// Every periodic job.
fn periodic_jobs() -> Vec<Box<dyn PeriodicJob>> {
    vec![
        Box::new(sequence_audit::SequenceAudit),
        Box::new(flush_downloads::FlushDownloads),
        Box::new(log_reads::LogReads),
        Box::new(refresh_totals::RefreshTotals),
        Box::new(sweep_uploads::SweepUploads),
        Box::new(tell_of_tokens::TellOfTokens),
        Box::new(touch_tokens::TouchTokens),
        Box::new(touch_sessions::TouchSessions),
        Box::new(prepare_searches::PrepareSearches),
        Box::new(claim_storage::ClaimStorage),
        Box::new(forget_deliveries::ForgetDeliveries),
        Box::new(prune_audit::QueueAuditPruning),
        Box::new(retention::QueueRetention),
        Box::new(measure_queue::MeasureQueue::default()),
        Box::new(watch_read_only::WatchReadOnly::default()),
    ]
}

/// What does the registry's own jobs, its subscribers to events among them.
fn subscribers(registry: &Registry) -> Vec<Arc<dyn JobHandler>> {
    let mail: Arc<dyn JobHandler> = Arc::new(mail::SendMail::new(registry.clone()));
    let prune_audit: Arc<dyn JobHandler> = Arc::new(prune_audit::PruneAudit::new(registry.clone()));
    let drop_aged: Arc<dyn JobHandler> = Arc::new(retention::DropAged::new(registry.clone()));
    let webhooks = registry
        .delivers_webhooks()
        .then(|| Arc::new(webhooks::Webhooks::new(registry.clone())) as Arc<dyn JobHandler>);
    let cdn = registry.cdn().map(|_| Arc::new(purge_cdn::PurgeCdn::new(registry.clone())) as Arc<dyn JobHandler>);
    [mail, prune_audit, drop_aged].into_iter().chain(webhooks).chain(cdn).collect()
}
