//! The webhooks of the operator: which of them failed, and putting them to use again.

use super::Registry;
use crate::{
    decide::{DeliveryOutcome, EnableOperatorWebhook, OperatorWebhookReport, OperatorWebhookStates},
    error::Result,
    ports::{CommandHandlerExt, QueryHandlerExt},
    types::{AuditEvent, NewAuditEntry, OperatorWebhook, OperatorWebhookState, WebhookName},
};

impl Registry {
    /// The webhooks that the operator has configured.
    pub fn operator_webhooks(&self) -> &[OperatorWebhook] {
        &self.inner().operator_webhooks
    }

    /// What is known of the webhooks that the operator has configured, as they are configured now. One that
    /// has not failed lately is left out.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn operator_webhook_states(&self) -> Result<Vec<OperatorWebhookState>> {
        if self.operator_webhooks().is_empty() {
            return Ok(Vec::new());
        }
        let mut states = self.inner().queries.ask(OperatorWebhookStates(())).await?;
        states.retain(|state| {
            let configured = self.operator_webhooks().iter().find(|webhook| webhook.name == state.name);
            configured.is_some_and(|webhook| webhook.configuration() == state.configuration)
        });
        Ok(states)
    }

    /// Puts a webhook of the operator to use again that was disabled because its receiver was gone, or
    /// failed for a week. `false` where it was not disabled; for the operator.
    ///
    /// # Errors
    /// A backend error of kind database.
    pub async fn enable_operator_webhook(&self, name: &WebhookName) -> Result<bool> {
        let audit = NewAuditEntry::new(AuditEvent::WebhookChange, self.now());
        let command = EnableOperatorWebhook { name: name.clone(), audit };
        let enabled = self.inner().commands.execute(&command).await?;
        if enabled {
            tracing::info!(event = "webhook_enabled", webhook = name.as_str(), "a webhook of the operator was enabled");
        }
        Ok(enabled)
    }

    /// What is known of a webhook as it is configured now.
    pub(crate) async fn operator_webhook_state(
        &self,
        webhook: &OperatorWebhook,
    ) -> Result<Option<OperatorWebhookState>> {
        let states = self.operator_webhook_states().await?;
        Ok(states.into_iter().find(|state| state.name == webhook.name))
    }

    /// Notes how a delivery to a webhook of the operator ended, and tells where that disabled it.
    pub(crate) async fn report_operator_delivery(
        &self,
        webhook: &OperatorWebhook,
        outcome: DeliveryOutcome,
    ) -> Result<()> {
        let audit = NewAuditEntry::new(AuditEvent::WebhookDisable, self.now());
        let (name, configuration) = (webhook.name.clone(), webhook.configuration());
        let report = OperatorWebhookReport { name, configuration, outcome, now: audit.timestamp, audit };
        let Some(state) = self.inner().commands.execute(&report).await? else { return Ok(()) };
        let reason = state.disabled.map_or("", |disabled| disabled.reason.as_str());
        metrics::counter!("aam_webhooks_disabled_total", "reason" => reason).increment(1);
        tracing::warn!(
            event = "webhook_disabled",
            webhook = state.name.as_str(),
            reason,
            "a webhook of the operator was disabled; enable it with `aam-registry webhook enable` when its receiver \
             works again, or change it in config.yaml",
        );
        Ok(())
    }
}
