use async_trait::async_trait;

use super::MemoryMetadata;
use crate::{
    decide::{EnableOperatorWebhook, OperatorWebhookReport, WebhookCommand, WebhookFacts, WebhookReport},
    error::Result,
    ports::WebhookStore,
    types::{OperatorWebhookState, ScopeName, ScopeWebhook, StoredWebhook, WebhookId},
};

#[async_trait]
impl WebhookStore for MemoryMetadata {
    async fn change_webhook(&self, command: &WebhookCommand) -> Result<ScopeWebhook> {
        let (now, mut tables) = (self.clock.now(), self.tables());
        let (scope, id) = (tables.scopes.get(&command.scope), command.change.webhook());
        let of_scope = |stored: &&StoredWebhook| stored.webhook.scope == command.scope;
        let kind = ScopeWebhook::kind_of(&command.scope, id);
        let facts = WebhookFacts {
            caller: tables.caller(&command.actor),
            scope_exists: scope.is_some(),
            role: scope.and_then(|scope| scope.members.get(&command.actor.user).copied()),
            webhooks: tables.webhooks.values().filter(of_scope).count() as u64,
            webhook: tables.webhooks.get(&id).filter(of_scope).cloned(),
            delivery: command.change.delivery().and_then(|delivery| tables.jobs.state_of(delivery, &kind, now)),
        };
        tables.apply(command.decide(&facts)?, now)
    }

    async fn report_delivery(&self, report: &WebhookReport) -> Result<Option<ScopeWebhook>> {
        let mut tables = self.tables();
        let decision = report.decide(tables.webhooks.get(&report.id))?;
        tables.apply(decision, self.clock.now())
    }

    async fn webhooks(&self, scope: &ScopeName) -> Result<Vec<ScopeWebhook>> {
        let tables = self.tables();
        let webhooks = tables.webhooks.values().map(|stored| &stored.webhook);
        let mut webhooks: Vec<_> = webhooks.filter(|webhook| webhook.scope == *scope).cloned().collect();
        webhooks.sort_by_key(|webhook| (webhook.created_at, webhook.id));
        Ok(webhooks)
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<StoredWebhook>> {
        Ok(self.tables().webhooks.get(&id).cloned())
    }

    async fn report_operator_delivery(&self, report: &OperatorWebhookReport) -> Result<Option<OperatorWebhookState>> {
        let mut tables = self.tables();
        let decision = report.decide(tables.operator_webhooks.get(&report.name))?;
        tables.apply(decision, self.clock.now())
    }

    async fn enable_operator_webhook(&self, command: &EnableOperatorWebhook) -> Result<bool> {
        let mut tables = self.tables();
        let decision = command.decide(tables.operator_webhooks.get(&command.name))?;
        tables.apply(decision, self.clock.now())
    }

    async fn operator_webhook_states(&self) -> Result<Vec<OperatorWebhookState>> {
        Ok(self.tables().operator_webhooks.values().cloned().collect())
    }
}
