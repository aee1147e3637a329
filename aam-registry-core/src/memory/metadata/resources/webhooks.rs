use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    decide::{WebhookCommand, WebhookFacts, WebhookReportFacts, WebhookWrite},
    memory::metadata::tables::Tables,
    types::{JobSelection, ScopeName, ScopeWebhook, StoredWebhook, WebhookId},
};

/// The webhooks of scopes.
#[derive(Default)]
pub(super) struct Webhooks(BTreeMap<WebhookId, StoredWebhook>);

impl Webhooks {
    pub(super) fn facts(&self, tables: &Tables, command: &WebhookCommand, now: Timestamp) -> WebhookFacts {
        let (scope, id) = (tables.scopes.get(&command.scope), command.change.webhook());
        let of_scope = |stored: &&StoredWebhook| stored.webhook.scope == command.scope;
        let kind = ScopeWebhook::kind_of(&command.scope, id);
        WebhookFacts {
            caller: tables.caller(&command.actor),
            scope_exists: scope.is_some(),
            scope_requires_2fa: scope.is_some_and(|scope| scope.require_2fa),
            role: scope.and_then(|scope| scope.members.get(&command.actor.user).copied()),
            webhooks: self.0.values().filter(of_scope).count() as u64,
            webhook: self.0.get(&id).filter(of_scope).cloned(),
            delivery: command.change.delivery().and_then(|delivery| tables.jobs.state_of(delivery, &kind, now)),
        }
    }

    pub(super) fn report_facts(&self, id: WebhookId) -> WebhookReportFacts {
        WebhookReportFacts { webhook: self.find(id) }
    }

    pub(super) fn find(&self, id: WebhookId) -> Option<StoredWebhook> {
        self.0.get(&id).cloned()
    }

    /// The webhooks of a scope, oldest first.
    pub(super) fn of_scope(&self, scope: &ScopeName) -> Vec<ScopeWebhook> {
        let webhooks = self.0.values().map(|stored| &stored.webhook);
        let mut webhooks: Vec<_> = webhooks.filter(|webhook| webhook.scope == *scope).cloned().collect();
        webhooks.sort_by_key(|webhook| (webhook.created_at, webhook.id));
        webhooks
    }

    pub(super) fn write(&mut self, tables: &mut Tables, write: WebhookWrite, now: Timestamp) {
        match write {
            WebhookWrite::Put(stored) => {
                self.0.insert(stored.webhook.id, stored);
            }
            WebhookWrite::Delete(id) => {
                self.0.remove(&id);
            }
            WebhookWrite::DropDeliveries(kind) => tables.jobs.remove_kind(&kind),
            WebhookWrite::Queue(job) => tables.jobs.add(job, now),
            WebhookWrite::Retry(id) => {
                tables.jobs.retry(&JobSelection::Ids(vec![id]), now);
            }
        }
    }
}
