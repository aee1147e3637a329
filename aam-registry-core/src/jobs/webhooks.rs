use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    decide::DeliveryOutcome,
    error::Result,
    ports::{JobFailure, JobHandler, WebhookAnswer, WebhookMessage},
    registry::Registry,
    types::{
        AuditEvent, Job, NewAuditEntry, NewJob, OperatorWebhook, OperatorWebhookState, ScopeWebhook, WebhookName,
        WebhookSecret, WebhookUrl,
    },
};

/// The longest that a receiver may put off the next attempt.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Sends events to webhooks, the operator's and those of scopes, as the Standard
/// Webhooks specification has them: `{"type", "timestamp", "data"}`, where the
/// data is the entry of the audit log. The message's id is that of the entry,
/// however often it is sent. The deliveries to each webhook are a kind of jobs
/// of their own.
///
/// Any status from 200 to 299 within 15 seconds counts as received. After 410
/// the delivery is given up; after anything else it is sent again.
#[derive(Debug)]
pub(super) struct Webhooks {
    registry: Registry,
}

/// The receiver of a delivery.
struct Receiver {
    url: WebhookUrl,
    secret: WebhookSecret,
    webhook: Known,
}

/// A webhook, and what is known of it.
enum Known {
    OfScope(ScopeWebhook),
    OfOperator(OperatorWebhook, Option<OperatorWebhookState>),
}

impl Known {
    fn failing_since(&self) -> Option<Timestamp> {
        match self {
            Self::OfScope(webhook) => webhook.failing_since,
            Self::OfOperator(_, state) => state.as_ref().and_then(|state| state.failing_since),
        }
    }

    fn is_disabled(&self) -> bool {
        match self {
            Self::OfScope(webhook) => webhook.disabled.is_some(),
            Self::OfOperator(_, state) => state.as_ref().is_some_and(|state| state.disabled.is_some()),
        }
    }
}

impl Webhooks {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry }
    }

    async fn receiver(&self, job: &Job) -> Result<Receiver, JobFailure> {
        if let Some((scope, id)) = ScopeWebhook::of_kind(&job.kind) {
            let found = self.registry.webhook_to_deliver(&scope, id).await?;
            let (webhook, secret) = found.ok_or_else(|| JobFailure::for_good("the webhook was deleted"))?;
            if webhook.disabled.is_some() && !is_ping(job) {
                return Err(JobFailure::for_good("the webhook is disabled"));
            }
            return Ok(Receiver { url: webhook.url.clone(), secret, webhook: Known::OfScope(webhook) });
        }
        let operator = self.registry.operator_webhooks().iter().find(|webhook| webhook.job_kind() == job.kind);
        let operator =
            operator.ok_or_else(|| JobFailure::new("the configuration of this server has no such webhook"))?;
        let state = self.registry.operator_webhook_state(operator).await?;
        let (url, secret) = (operator.url.clone(), operator.secret.clone());
        let webhook = Known::OfOperator(operator.clone(), state);
        if webhook.is_disabled() {
            return Err(JobFailure::for_good(
                "the webhook is disabled; `aam-registry webhook list` says why, and `webhook enable` puts it to use again",
            ));
        }
        Ok(Receiver { url, secret, webhook })
    }

    /// Sends the message of a job.
    async fn send(&self, job: &Job, receiver: &Receiver) -> Result<WebhookAnswer, JobFailure> {
        let (id, body) = match &receiver.webhook {
            Known::OfScope(webhook) if is_ping(job) => (job.id.to_string(), ping_body(job, webhook)),
            _ => {
                let event = job.event()?;
                (event.id.to_string(), event_body(&event))
            }
        };
        let sent_at = self.registry.clock_now();
        let Receiver { url, secret, .. } = receiver;
        let message = WebhookMessage { url, secret, id: &id, sent_at, body: &body };
        self.registry.send_webhook(&message).await.map_err(JobFailure::new)
    }

    /// Notes how a delivery ended.
    async fn report(&self, webhook: &Known, outcome: DeliveryOutcome) -> Result<()> {
        let is_known = match outcome {
            DeliveryOutcome::Received => webhook.failing_since().is_none(),
            DeliveryOutcome::Failed | DeliveryOutcome::Gone => webhook.is_disabled(),
        };
        match webhook {
            _ if is_known => Ok(()),
            Known::OfScope(webhook) => self.registry.report_delivery(webhook.id, outcome).await,
            Known::OfOperator(webhook, _) => self.registry.report_operator_delivery(webhook, outcome).await,
        }
    }
}

fn is_ping(job: &Job) -> bool {
    job.payload["event"] == NewJob::PING
}

fn event_body(event: &NewAuditEntry) -> String {
    let NewAuditEntry { id, event, actor, package, version, timestamp, metadata } = event;
    json!({
        "type": event.as_str(),
        "timestamp": timestamp.to_string(),
        "data": {
            "id": id.to_string(),
            "event": event.as_str(),
            "actor": actor,
            "package": package.as_ref().map(ToString::to_string),
            "version": version,
            "timestamp": timestamp.to_string(),
            "metadata": metadata,
        },
    })
    .to_string()
}

fn ping_body(job: &Job, webhook: &ScopeWebhook) -> String {
    let timestamp = job.created_at.to_string();
    let data = json!({
        "scope": webhook.scope.as_str(),
        "webhook": webhook.id.to_string(),
        "actor": job.payload["actor"].as_str().map_or(Value::Null, Value::from),
    });
    json!({"type": NewJob::PING, "timestamp": timestamp, "data": data}).to_string()
}

#[async_trait]
impl JobHandler for Webhooks {
    fn kind(&self) -> &'static str {
        NewJob::WEBHOOK
    }

    fn wants(&self, event: AuditEvent) -> bool {
        event.is_of_scope() || self.registry.operator_webhooks().iter().any(|webhook| webhook.events.contains(&event))
    }

    async fn kinds_for(&self, event: &NewAuditEntry) -> Result<Vec<String>> {
        let operator = self.registry.operator_webhooks().iter();
        let mut operator: Vec<_> = operator.filter(|webhook| webhook.wants(event)).collect();
        if !operator.is_empty() {
            let states = self.registry.operator_webhook_states().await?;
            let is_disabled =
                |name: &WebhookName| states.iter().any(|state| state.name == *name && state.disabled.is_some());
            operator.retain(|webhook| !is_disabled(&webhook.name));
        }
        let mut kinds: Vec<_> = operator.into_iter().map(OperatorWebhook::job_kind).collect();
        if let Some(scope) = event.scope_of_webhooks() {
            let webhooks = self.registry.webhooks_of(&scope).await?;
            kinds.extend(webhooks.iter().filter(|webhook| webhook.wants(event)).map(ScopeWebhook::job_kind));
        }
        Ok(kinds)
    }

    fn keeps(&self, job: &Job) -> bool {
        ScopeWebhook::of_kind(&job.kind).is_some()
    }

    fn retry_delay(&self, attempts: u64) -> Option<Duration> {
        let (minute, hour) = (60, 3600);
        let seconds = [5, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];
        let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        seconds.get(at).copied().map(Duration::from_secs)
    }

    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure> {
        let receiver = self.receiver(job).await?;
        let answer = self.send(job, &receiver).await;
        let outcome = match &answer {
            Ok(WebhookAnswer { status: 200..=299, .. }) => DeliveryOutcome::Received,
            Ok(WebhookAnswer { status: 410, .. }) => DeliveryOutcome::Gone,
            _ => DeliveryOutcome::Failed,
        };
        // A test that fails says nothing of the deliveries.
        if outcome == DeliveryOutcome::Received || !is_ping(job) {
            self.report(&receiver.webhook, outcome).await?;
        }
        let failure = match answer {
            Ok(WebhookAnswer { status: 200..=299, .. }) => return Ok(Vec::new()),
            Ok(WebhookAnswer { status: 410, .. }) => {
                JobFailure::for_good("the receiver answered 410: it wants no more of these")
            }
            Ok(WebhookAnswer { status, retry_after }) => {
                let redirects = if (300..400).contains(&status) { ": no redirect is followed" } else { "" };
                let failure = JobFailure::new(format!("the receiver answered {status}{redirects}"));
                match retry_after {
                    Some(after) => failure.not_before(after.min(LONGEST_RETRY_AFTER)),
                    None => failure,
                }
            }
            Err(failure) => failure,
        };
        Err(if is_ping(job) { JobFailure::for_good(failure.message) } else { failure })
    }
}
