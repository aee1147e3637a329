use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;
use crate::types::{AuditEvent, DisableReason, Job, JobState, Page, ScopeWebhook, WebhookSecret};

/// A webhook to create.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct WebhookRequest {
    /// The receiver: HTTP or HTTPS, on port 80, 443 or above 1023, on the public internet.
    #[schemars(length(max = 2048))]
    pub(crate) url: String,
    /// What is sent; at least one.
    #[schemars(schema_with = "events_schema")]
    pub(crate) events: Vec<String>,
    /// What deliveries are signed with: `whsec_` and base64 of 24 to 64 bytes. A new one if absent.
    pub(crate) secret: Option<String>,
}

/// A change of a webhook: what is given changes.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct WebhookChangeRequest {
    /// The receiver.
    #[schemars(length(max = 2048))]
    pub(crate) url: Option<String>,
    /// What is sent; at least one.
    #[schemars(schema_with = "events_schema")]
    pub(crate) events: Option<Vec<String>>,
    /// What deliveries are signed with from now on.
    pub(crate) secret: Option<String>,
    /// Whether to sign deliveries with a new secret from now on, which the answer tells.
    pub(crate) rotate_secret: Option<bool>,
    /// `false` disables the webhook, `true` enables it again.
    pub(crate) enabled: Option<bool>,
}

fn events_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let events: Vec<_> = AuditEvent::of_scopes().map(AuditEvent::as_str).collect();
    schemars::json_schema!({"type": "array", "minItems": 1, "items": {"type": "string", "enum": events}})
}

/// A webhook of a scope.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Webhook")]
pub(crate) struct WebhookAnswer {
    id: String,
    /// The scope, without `@`.
    scope: String,
    url: String,
    /// What is sent.
    events: Vec<&'static str>,
    created_at: Time,
    enabled: bool,
    /// Since when it is disabled.
    disabled_at: Option<Time>,
    /// Why it is disabled: `request` (somebody asked for it), `gone` (the receiver answered 410) or `failing`
    /// (every delivery failed for a week).
    disabled_reason: Option<&'static str>,
    /// Since when every delivery has failed.
    failing_since: Option<Time>,
    /// What deliveries are signed with; told when it is new, and never shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl WebhookAnswer {
    pub(crate) fn new(webhook: &ScopeWebhook, secret: Option<&WebhookSecret>) -> Self {
        Self {
            id: webhook.id.to_string(),
            scope: webhook.scope.to_string(),
            url: webhook.url.as_str().to_owned(),
            events: webhook.events.iter().map(|event| event.as_str()).collect(),
            created_at: webhook.created_at.into(),
            enabled: webhook.disabled.is_none(),
            disabled_at: webhook.disabled.map(|disabled| disabled.at.into()),
            disabled_reason: webhook.disabled.map(|disabled| DisableReason::as_str(disabled.reason)),
            failing_since: webhook.failing_since.map(Time),
            secret: secret.map(|secret| secret.expose().to_owned()),
        }
    }
}

/// The webhooks of a scope.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Webhooks")]
pub(crate) struct WebhooksAnswer {
    /// Oldest first.
    webhooks: Vec<WebhookAnswer>,
}

impl From<Vec<ScopeWebhook>> for WebhooksAnswer {
    fn from(webhooks: Vec<ScopeWebhook>) -> Self {
        Self { webhooks: webhooks.iter().map(|webhook| WebhookAnswer::new(webhook, None)).collect() }
    }
}

/// A delivery to a webhook.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub(crate) struct DeliveryAnswer {
    id: String,
    /// The header `webhook-id` of the message, the same however often it is sent.
    webhook_id: Option<String>,
    /// What it tells of, such as `package.publish`; `ping` for a test.
    event: Option<String>,
    package: Option<String>,
    version: Option<String>,
    /// `waiting`, `running`, `delivered` or `failed` (given up).
    state: &'static str,
    /// How often it was sent.
    attempts: u64,
    created_at: Time,
    /// When it is sent next, while it waits.
    next_attempt_at: Option<Time>,
    /// When it was delivered or given up.
    ended_at: Option<Time>,
    /// Why the last attempt failed.
    last_error: Option<String>,
}

impl From<Job> for DeliveryAnswer {
    fn from(job: Job) -> Self {
        let text = |field: &str| job.payload[field].as_str().map(str::to_owned);
        let is_waiting = job.state == JobState::Waiting;
        Self {
            id: job.id.to_string(),
            webhook_id: text("id"),
            event: text("event"),
            package: text("package"),
            version: text("version"),
            state: if job.state == JobState::Done { "delivered" } else { job.state.as_str() },
            attempts: job.attempts,
            created_at: job.created_at.into(),
            next_attempt_at: is_waiting.then(|| job.due_at.into()),
            ended_at: job.ended_at.map(Time),
            last_error: job.last_error,
        }
    }
}

/// A page of deliveries, newest first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DeliveriesPage {
    deliveries: Vec<DeliveryAnswer>,
    /// Deliveries on all pages.
    total: u64,
    /// The page this is.
    page: u64,
    /// How many pages there are; 0 where there are no deliveries.
    pages: u64,
}

impl From<Page<Job>> for DeliveriesPage {
    fn from(page: Page<Job>) -> Self {
        let (total, pages, number) = (page.total, page.pages(), page.request.page);
        let deliveries = page.items.into_iter().map(DeliveryAnswer::from).collect();
        Self { deliveries, total, page: number, pages }
    }
}
