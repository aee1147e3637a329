use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    decide::{EnableOperatorWebhook, OperatorWebhookReport, WebhookCommand, WebhookReport},
    error::Result,
    types::{OperatorWebhookState, ScopeName, ScopeWebhook, StoredWebhook, WebhookId},
};

/// Stores the webhooks of scopes, and which webhooks of the operator failed.
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

    /// Notes how a delivery to a webhook of the operator ended. Gives its state where that disabled it.
    async fn report_operator_delivery(&self, report: &OperatorWebhookReport) -> Result<Option<OperatorWebhookState>>;

    /// Puts a webhook of the operator to use again. `false` where it was not disabled.
    async fn enable_operator_webhook(&self, command: &EnableOperatorWebhook) -> Result<bool>;

    /// What is known of the webhooks of the operator, in the order of their names; also of some that are
    /// configured no more.
    async fn operator_webhook_states(&self) -> Result<Vec<OperatorWebhookState>>;
}
