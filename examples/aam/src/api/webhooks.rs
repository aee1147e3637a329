//! The webhooks of scopes.

use aam_registry_core::types::{JobId, ScopeName, WebhookId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{client::Client, retry::Repeat};
use crate::failure::Result;

impl Client {
    /// Makes a webhook; gives it with its secret.
    pub(crate) async fn create_webhook(&self, scope: &ScopeName, webhook: &Value) -> Result<Value> {
        self.send_json(Method::POST, self.url(&format!("scopes/{scope}/webhooks")), webhook, Repeat::IfUnsent).await
    }

    /// The webhooks of a scope.
    pub(crate) async fn webhooks(&self, scope: &ScopeName) -> Result<Value> {
        self.get(self.url(&format!("scopes/{scope}/webhooks"))).await
    }

    /// A webhook.
    pub(crate) async fn webhook(&self, scope: &ScopeName, id: WebhookId) -> Result<Value> {
        self.get(self.url(&format!("scopes/{scope}/webhooks/{id}"))).await
    }

    /// Changes a webhook.
    pub(crate) async fn change_webhook(&self, scope: &ScopeName, id: WebhookId, change: &Value) -> Result<Value> {
        let url = self.url(&format!("scopes/{scope}/webhooks/{id}"));
        self.send_json(Method::PATCH, url, change, Repeat::IfUnsent).await
    }

    /// Deletes a webhook.
    pub(crate) async fn delete_webhook(&self, scope: &ScopeName, id: WebhookId) -> Result<()> {
        self.act(Method::DELETE, self.url(&format!("scopes/{scope}/webhooks/{id}")), None).await
    }

    /// Sends a test message; gives its delivery.
    pub(crate) async fn ping_webhook(&self, scope: &ScopeName, id: WebhookId) -> Result<Value> {
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
    ) -> Result<Value> {
        let mut url = self.url(&format!("scopes/{scope}/webhooks/{id}/deliveries"));
        url.query_pairs_mut().append_pair("page", &page.to_string()).append_pair("limit", &limit.to_string());
        self.get(url).await
    }

    /// Sends a delivery again; gives it.
    pub(crate) async fn redeliver(&self, scope: &ScopeName, delivery: JobId) -> Result<Value> {
        let url = self.url(&format!("scopes/{scope}/webhooks/deliveries/{delivery}/redeliver"));
        self.send_json(Method::POST, url, &json!({}), Repeat::IfUnsent).await
    }
}
