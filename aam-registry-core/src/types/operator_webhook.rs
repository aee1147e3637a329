//! The webhooks of the operator.

use data_encoding::BASE64;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::types::{AuditEvent, DisabledWebhook, NewAuditEntry, NewJob, WebhookName, WebhookSecret, WebhookUrl};

/// A receiver of events that the operator names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorWebhook {
    /// What its deliveries are known by in the queue, whatever its address becomes. No two have the same.
    pub name: WebhookName,
    /// Where they are sent.
    pub url: WebhookUrl,
    /// What they are signed with.
    pub secret: WebhookSecret,
    /// Which are sent.
    pub events: Vec<AuditEvent>,
    /// Whether events of private packages are sent, too.
    pub private: bool,
}

impl OperatorWebhook {
    /// Whether what `entry` records is sent to it.
    pub fn wants(&self, entry: &NewAuditEntry) -> bool {
        self.events.contains(&entry.event) && (self.private || !entry.is_private())
    }

    /// The kind of the jobs that are deliveries to it.
    pub fn job_kind(&self) -> String {
        format!("{}:{}", NewJob::WEBHOOK, self.name.as_str())
    }

    /// A digest of its configuration, which changes when the operator changes anything of it.
    pub fn configuration(&self) -> String {
        let mut hash = Sha256::new();
        let events = self.events.iter().map(|event| event.as_str());
        let private = self.private.then_some("private");
        for part in [self.url.as_str(), self.secret.expose()].into_iter().chain(events).chain(private) {
            hash = hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part);
        }
        BASE64.encode(&hash.finalize()[..])
    }
}

/// What is known of the deliveries to a webhook of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorWebhookState {
    /// Its name.
    pub name: WebhookName,
    /// [What it was configured as](OperatorWebhook::configuration): with another configuration it counts as new.
    pub configuration: String,
    /// Since when every delivery has failed; `None` after one that was received.
    pub failing_since: Option<Timestamp>,
    /// Since when and why nothing is sent; `None` while it is in use.
    pub disabled: Option<DisabledWebhook>,
}
