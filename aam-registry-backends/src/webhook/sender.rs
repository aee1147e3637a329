use std::time::{Duration, SystemTime};

use aam_registry_core::{
    ports::{WebhookAnswer, WebhookMessage, WebhookSender},
    types::WebhookUrl,
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use crate::outgoing::{OutgoingClient, OutgoingError};

/// Sends webhooks, each on a connection of its own.
#[derive(Clone, Debug)]
pub struct HttpWebhooks {
    client: OutgoingClient,
}

impl HttpWebhooks {
    /// How long a receiver has to answer, its name and the connection included.
    pub const TIMEOUT: Duration = Duration::from_secs(15);

    /// Sends with `client`, which should have the time-out [`TIMEOUT`](Self::TIMEOUT).
    pub fn new(client: OutgoingClient) -> Self {
        Self { client }
    }
}

#[async_trait]
impl WebhookSender for HttpWebhooks {
    async fn send(&self, message: &WebhookMessage<'_>) -> std::result::Result<WebhookAnswer, String> {
        let timestamp = message.sent_at.as_second();
        let signature = Webhook::new(message.secret.expose())
            .and_then(|webhook| webhook.sign(message.id, timestamp, message.body.as_bytes()))
            .map_err(|_| "the message cannot be signed")?;
        let request = Request::post(message.url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, message.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, timestamp)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(Bytes::copy_from_slice(message.body.as_bytes()))
            .map_err(|_| "the address cannot be parsed")?;
        // The body of the answer is not read: it is closed with the connection.
        let answer = self.client.send(request).await.map_err(|error| reason(&error))?;
        Ok(WebhookAnswer { status: answer.status().as_u16(), retry_after: retry_after(answer.headers()) })
    }

    fn refusal(&self, url: &WebhookUrl) -> Option<String> {
        self.client.refuses(url.as_str()).map(|error| reason(&error))
    }
}

fn reason(error: &OutgoingError) -> String {
    match error {
        OutgoingError::Refused { host } => {
            format!("{host} is on a network that webhooks may not reach; WEBHOOK_ALLOW_PRIVATE allows more")
        }
        other => other.to_string(),
    }
}

/// The header `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    SystemTime::from(date.timestamp()).duration_since(SystemTime::now()).ok()
}
