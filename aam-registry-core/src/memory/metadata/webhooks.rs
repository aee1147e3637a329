use jiff::Timestamp;

use super::tables::Tables;
use crate::{
    decide::{WebhookCommand, WebhookFacts},
    types::{ScopeName, ScopeWebhook, StoredWebhook},
};

impl Tables {
    pub(super) fn webhook_facts(&self, command: &WebhookCommand, now: Timestamp) -> WebhookFacts {
        let (scope, id) = (self.scopes.get(&command.scope), command.change.webhook());
        let of_scope = |stored: &&StoredWebhook| stored.webhook.scope == command.scope;
        let kind = ScopeWebhook::kind_of(&command.scope, id);
        WebhookFacts {
            caller: self.caller(&command.actor),
            scope_exists: scope.is_some(),
            role: scope.and_then(|scope| scope.members.get(&command.actor.user).copied()),
            webhooks: self.webhooks.values().filter(of_scope).count() as u64,
            webhook: self.webhooks.get(&id).filter(of_scope).cloned(),
            delivery: command.change.delivery().and_then(|delivery| self.jobs.state_of(delivery, &kind, now)),
        }
    }

    /// The webhooks of a scope, oldest first.
    pub(super) fn webhooks_of(&self, scope: &ScopeName) -> Vec<ScopeWebhook> {
        let webhooks = self.webhooks.values().map(|stored| &stored.webhook);
        let mut webhooks: Vec<_> = webhooks.filter(|webhook| webhook.scope == *scope).cloned().collect();
        webhooks.sort_by_key(|webhook| (webhook.created_at, webhook.id));
        webhooks
    }
}
