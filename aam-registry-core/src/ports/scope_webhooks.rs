use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    decide::{WebhookCommand, WebhookReport},
    error::Result,
    types::{ScopeName, ScopeWebhook, StoredWebhook, WebhookId},
};

/// Stores the webhooks of scopes.
#[async_trait]
pub trait WebhookStore: Debug + Send + Sync + 'static {
    /// Makes, changes, deletes or tests a webhook, or sends a delivery again.
    /// Gives the webhook as it is then, or was before it was deleted.
    ///
    /// # Errors
    /// The refusals of [`WebhookCommand::decide`].
    async fn change_webhook(&self, command: &WebhookCommand) -> Result<ScopeWebhook>;

    /// Notes how a delivery ended. Gives the webhook where that disabled it.
    async fn report_delivery(&self, report: &WebhookReport) -> Result<Option<ScopeWebhook>>;

    /// The webhooks of a scope, oldest first.
    async fn webhooks(&self, scope: &ScopeName) -> Result<Vec<ScopeWebhook>>;

    /// A webhook with its secret.
    async fn webhook(&self, id: WebhookId) -> Result<Option<StoredWebhook>>;
}
