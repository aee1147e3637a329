use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::json;

use crate::{
    ports::{Clock, JobFailure, JobHandler, SystemClock, WebhookMessage, WebhookSender},
    types::{AuditEvent, Job, NewAuditEntry, NewJob, WebhookSecret, WebhookUrl},
};

/// The longest that a receiver may put off the next attempt.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// Sends events to one receiver, as the Standard Webhooks specification has
/// them: `{"type", "timestamp", "data"}`, where the data is the entry of the
/// audit log. The message's id is that of the entry, however often it is sent.
///
/// Any status from 200 to 299 within 15 seconds counts as received. After 410
/// the delivery is given up; after anything else it is sent again.
#[derive(Debug)]
pub struct Webhook {
    kind: String,
    url: WebhookUrl,
    secret: WebhookSecret,
    events: Vec<AuditEvent>,
    sender: Arc<dyn WebhookSender>,
}

impl Webhook {
    /// Sends `events` to `url`, signed with `secret`.
    pub fn new(
        url: WebhookUrl,
        secret: WebhookSecret,
        events: impl IntoIterator<Item = AuditEvent>,
        sender: Arc<dyn WebhookSender>,
    ) -> Self {
        Self { kind: format!("webhook:{}", url.label()), url, secret, events: events.into_iter().collect(), sender }
    }
}

fn body(event: &NewAuditEntry) -> String {
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

#[async_trait]
impl JobHandler for Webhook {
    fn kind(&self) -> &str {
        &self.kind
    }

    fn wants(&self, event: AuditEvent) -> bool {
        self.events.contains(&event)
    }

    fn patience(&self, attempts: u64) -> Option<Duration> {
        let (minute, hour) = (60, 3600);
        let seconds = [5, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour];
        let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        seconds.get(at).copied().map(Duration::from_secs)
    }

    async fn run(&self, job: &Job) -> Result<Vec<NewJob>, JobFailure> {
        let event = job.event()?;
        let (id, body) = (event.id.to_string(), body(&event));
        let sent_at = SystemClock.now();
        let message = WebhookMessage { url: &self.url, secret: &self.secret, id: &id, sent_at, body: &body };
        let answer = self.sender.send(&message).await.map_err(JobFailure::new)?;
        let failure = match answer.status {
            200..=299 => return Ok(Vec::new()),
            410 => JobFailure::for_good("the receiver answered 410: it wants no more of these"),
            status @ 300..=399 => JobFailure::new(format!("the receiver answered {status}: no redirect is followed")),
            status => JobFailure::new(format!("the receiver answered {status}")),
        };
        Err(match answer.retry_after {
            Some(after) if answer.status != 410 => failure.not_before(after.min(LONGEST_RETRY_AFTER)),
            _ => failure,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jiff::Timestamp;
    use serde_json::Value;

    use super::*;
    use crate::{
        ports::{JobRetry, WebhookAnswer},
        types::JobState,
    };

    /// A receiver that answers as it is told to.
    #[derive(Debug)]
    struct Receiver {
        answer: Result<WebhookAnswer, String>,
        received: Mutex<Vec<(String, String)>>,
    }

    #[async_trait]
    impl WebhookSender for Receiver {
        async fn send(&self, message: &WebhookMessage<'_>) -> Result<WebhookAnswer, String> {
            let received = (message.id.to_owned(), message.body.to_owned());
            self.received.lock().expect("not poisoned").push(received);
            self.answer.clone()
        }
    }

    fn entry() -> NewAuditEntry {
        NewAuditEntry::new(AuditEvent::PackagePublish, Timestamp::UNIX_EPOCH)
            .with_actor("ada")
            .with_package(&"@team/kit".parse().expect("a name"))
            .with("sha256", "00")
    }

    fn job() -> Job {
        let NewJob { id, kind, payload } = NewJob::of_event(&entry()).expect("an event");
        let at = Timestamp::UNIX_EPOCH;
        Job { id, kind, payload, created_at: at, due_at: at, state: JobState::Running, attempts: 1, last_error: None }
    }

    fn webhook(answer: Result<WebhookAnswer, String>) -> (Webhook, Arc<Receiver>) {
        let receiver = Arc::new(Receiver { answer, received: Mutex::default() });
        let url = WebhookUrl::parse("https://hooks.example/aam").expect("an address");
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        (Webhook::new(url, secret, [AuditEvent::PackagePublish], receiver.clone()), receiver)
    }

    fn answered(status: u16, retry_after: Option<u64>) -> WebhookAnswer {
        WebhookAnswer { status, retry_after: retry_after.map(Duration::from_secs) }
    }

    #[tokio::test]
    async fn the_body_is_the_entry_and_the_id_that_of_it() {
        let (webhook, receiver) = webhook(Ok(answered(204, None)));
        let job = job();
        for _ in 0..2 {
            assert_eq!(webhook.run(&job).await, Ok(Vec::new()));
        }
        let messages = receiver.received.lock().expect("not poisoned").clone();
        assert_eq!(messages[0], messages[1]);
        let (id, body) = &messages[0];
        assert_eq!(*id, job.id.to_string());
        let body: Value = serde_json::from_str(body).expect("JSON");
        let expected = json!({
            "type": "package.publish",
            "timestamp": "1970-01-01T00:00:00Z",
            "data": {
                "id": id,
                "event": "package.publish",
                "actor": "ada",
                "package": "@team/kit",
                "version": null,
                "timestamp": "1970-01-01T00:00:00Z",
                "metadata": {"sha256": "00"},
            },
        });
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn what_an_answer_means() {
        let retries = async |answer| webhook(answer).0.run(&job()).await.map_err(|failure| failure.retry);
        assert_eq!(retries(Ok(answered(200, None))).await, Ok(Vec::new()));
        assert_eq!(retries(Ok(answered(410, Some(5)))).await, Err(JobRetry::Never));
        for status in [100, 199, 301, 307, 400, 404, 500, 503] {
            assert_eq!(retries(Ok(answered(status, None))).await, Err(JobRetry::Patiently), "{status}");
        }
        assert_eq!(retries(Ok(answered(429, Some(90)))).await, Err(JobRetry::NotBefore(Duration::from_secs(90))));
        assert_eq!(retries(Ok(answered(503, Some(u64::MAX)))).await, Err(JobRetry::NotBefore(LONGEST_RETRY_AFTER)));
        assert_eq!(retries(Err("no answer".to_owned())).await, Err(JobRetry::Patiently));
    }

    #[test]
    fn a_delivery_is_given_up_after_ten_attempts() {
        let (webhook, _) = webhook(Ok(answered(200, None)));
        let waits: Vec<_> = (1..).map_while(|attempts| webhook.patience(attempts)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert!(webhook.wants(AuditEvent::PackagePublish) && !webhook.wants(AuditEvent::VersionYank));
    }
}
