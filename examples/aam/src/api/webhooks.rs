//! The webhooks of scopes.

use aam_registry_core::types::{JobId, ScopeName, WebhookId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer,
    answered::Answered,
    client::Client,
    retry::Repeat,
    wire::{DeliveryPage, Identified, WebhookList},
};
use crate::failure::Result;

impl Client {
    /// Makes a webhook; gives it with its secret.
    pub(crate) async fn create_webhook(&self, scope: &ScopeName, webhook: &Value) -> Result<Answered<Identified>> {
        let url = self.url(&format!("scopes/{scope}/webhooks"));
        let made = self.send_json(Method::POST, url, webhook, Repeat::IfUnsent).await?;
        self.with_secret(made)
    }

    /// The webhooks of a scope.
    pub(crate) async fn webhooks(&self, scope: &ScopeName) -> Result<WebhookList> {
        self.get(self.url(&format!("scopes/{scope}/webhooks"))).await
    }

    /// A webhook.
    pub(crate) async fn webhook(&self, scope: &ScopeName, id: WebhookId) -> Result<Answered<Identified>> {
        self.get(self.url(&format!("scopes/{scope}/webhooks/{id}"))).await
    }

    /// Changes a webhook.
    pub(crate) async fn change_webhook(
        &self,
        scope: &ScopeName,
        id: WebhookId,
        change: &Value,
    ) -> Result<Answered<Identified>> {
        let url = self.url(&format!("scopes/{scope}/webhooks/{id}"));
        let changed = self.send_json(Method::PATCH, url, change, Repeat::IfUnsent).await?;
        if change.get("rotate_secret").is_some() { self.with_secret(changed) } else { Ok(changed) }
    }

    /// Fails where an answer lacks the new secret, which is shown this once.
    fn with_secret(&self, answer: Answered<Identified>) -> Result<Answered<Identified>> {
        if answer.whole["secret"].as_str().is_none_or(str::is_empty) {
            return Err(answer::unexpected(self.registry(), "it made a secret and does not say which"));
        }
        Ok(answer)
    }

    /// Deletes a webhook.
    pub(crate) async fn delete_webhook(&self, scope: &ScopeName, id: WebhookId) -> Result<()> {
        self.act(Method::DELETE, self.url(&format!("scopes/{scope}/webhooks/{id}")), None).await
    }

    /// Sends a test message; gives its delivery.
    pub(crate) async fn ping_webhook(&self, scope: &ScopeName, id: WebhookId) -> Result<Answered<Identified>> {
        let url = self.url(&format!("scopes/{scope}/webhooks/{id}/ping"));
        self.send_json(Method::POST, url, &json!({}), Repeat::IfUnsent).await
    }

    /// A page of the deliveries to a webhook.
    pub(crate) async fn webhook_deliveries(
        &self,
        scope: &ScopeName,
        id: WebhookId,
        page: u64,
        limit: u64,
    ) -> Result<Answered<DeliveryPage>> {
        let mut url = self.url(&format!("scopes/{scope}/webhooks/{id}/deliveries"));
        url.query_pairs_mut().append_pair("page", &page.to_string()).append_pair("limit", &limit.to_string());
        self.get(url).await
    }

    /// Sends a delivery again; gives it.
    pub(crate) async fn redeliver(&self, scope: &ScopeName, delivery: JobId) -> Result<Answered<Identified>> {
        let url = self.url(&format!("scopes/{scope}/webhooks/deliveries/{delivery}/redeliver"));
        self.send_json(Method::POST, url, &json!({}), Repeat::IfUnsent).await
    }
}
