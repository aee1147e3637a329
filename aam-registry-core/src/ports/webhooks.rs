use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::types::{WebhookSecret, WebhookUrl};

/// Sends webhooks, as the Standard Webhooks specification has them: signed,
/// by `POST`, with the headers `webhook-id`, `webhook-timestamp` and
/// `webhook-signature`.
///
/// It calls no address but those that anybody on the internet can reach, or
/// that the operator allowed: it checks the address that it connects to, at
/// each call. It follows no redirect.
#[async_trait]
pub trait WebhookSender: Debug + Send + Sync + 'static {
    /// Sends a message; gives what the receiver answered.
    ///
    /// # Errors
    /// Why there is no answer, for the operator: it holds no secret, and of
    /// the address no more than the host.
    async fn send(&self, message: &WebhookMessage<'_>) -> Result<WebhookAnswer, String>;

    /// Why nothing will be sent to `url`, where the address alone tells, such as one with an IP address that
    /// may not be called. Nothing is looked up.
    fn refusal(&self, url: &WebhookUrl) -> Option<String>;
}

/// A message to send.
#[derive(Clone, Copy, Debug)]
pub struct WebhookMessage<'a> {
    /// Where to.
    pub url: &'a WebhookUrl,
    /// What it is signed with.
    pub secret: &'a WebhookSecret,
    /// What it is known by, however often it is sent.
    pub id: &'a str,
    /// When it is sent.
    pub sent_at: Timestamp,
    /// The body, a JSON object.
    pub body: &'a str,
}

/// What a receiver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The status.
    pub status: u16,
    /// How long to wait, where the answer says so.
    pub retry_after: Option<Duration>,
}
