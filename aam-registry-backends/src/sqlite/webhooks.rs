use aam_registry_core::{
    decide::{WebhookCommand, WebhookFacts},
    types::{ScopeName, ScopeWebhook, SealedSecret, StoredWebhook, WebhookId},
};
use rusqlite::{Connection, Row};

use super::{facts, failure::Tx, jobs, sql, webhook_writes::COLUMNS};
use crate::relational::columns;

/// The webhooks of a scope, oldest first.
pub(super) fn of_scope(tx: &Connection, scope: &ScopeName) -> Tx<Vec<ScopeWebhook>> {
    let query = format!("SELECT {COLUMNS} FROM scope_webhooks WHERE scope = ?1 ORDER BY created_at, id");
    sql::all(tx, &query, [scope.as_str()], |row| Ok(webhook(row)?.webhook))
}

pub(super) fn webhook_facts(tx: &Connection, command: &WebhookCommand) -> Tx<WebhookFacts> {
    let (scope, id) = (command.scope.as_str(), command.change.webhook());
    let count = "SELECT count(*) FROM scope_webhooks WHERE scope = ?1";
    let delivery = match command.change.delivery() {
        Some(delivery) => jobs::state(tx, delivery, &ScopeWebhook::kind_of(&command.scope, id))?,
        None => None,
    };
    Ok(WebhookFacts {
        caller: facts::caller(tx, &command.actor)?,
        scope_exists: facts::scope_exists(tx, &command.scope)?,
        role: facts::role(tx, scope, command.actor.user)?,
        webhooks: sql::first(tx, count, [scope], |row| sql::unsigned(row, 0))?.unwrap_or_default(),
        webhook: find(tx, id)?.filter(|stored| stored.webhook.scope == command.scope),
        delivery,
    })
}

/// The webhook of that id.
pub(super) fn find(tx: &Connection, id: WebhookId) -> Tx<Option<StoredWebhook>> {
    let query = format!("SELECT {COLUMNS} FROM scope_webhooks WHERE id = ?1");
    sql::first(tx, &query, [id.to_string()], webhook)
}

fn webhook(row: &Row<'_>) -> Tx<StoredWebhook> {
    let reason: Option<String> = row.get(8)?;
    let webhook = ScopeWebhook {
        id: sql::parsed(row, 0)?,
        scope: sql::parsed(row, 1)?,
        url: sql::coded(row, 2, columns::webhook_url)?,
        events: sql::coded(row, 4, columns::audit_events)?,
        created_at: sql::instant(row, 5)?,
        failing_since: sql::optional_instant(row, 6)?,
        disabled: columns::disabled(row.get(7)?, reason.as_deref())?,
    };
    Ok(StoredWebhook { webhook, secret: SealedSecret::new(row.get::<_, String>(3)?) })
}
