use aam_registry_core::{
    decide::{OperatorWebhookFacts, WebhookCommand, WebhookFacts},
    types::{OperatorWebhookState, ScopeName, ScopeWebhook, SealedSecret, StoredWebhook, WebhookId, WebhookName},
};
use rusqlite::{Connection, Row};

use super::{facts, failure::Tx, jobs, sql, webhook_writes::COLUMNS};
use crate::relational::columns;

const OPERATOR_STATE: &str = "SELECT name, configuration, failing_since, disabled_at, disabled_reason
    FROM operator_webhooks WHERE name = ?1";
/// As many as the operator has webhooks.
const OPERATOR_STATES: &str = "SELECT name, configuration, failing_since, disabled_at, disabled_reason
    FROM operator_webhooks ORDER BY name";

pub(super) fn operator_facts(tx: &Connection, name: &WebhookName) -> Tx<OperatorWebhookFacts> {
    Ok(OperatorWebhookFacts { state: sql::first(tx, OPERATOR_STATE, [name.as_str()], operator_state)? })
}

/// What is known of the webhooks of the operator.
pub(super) fn operator_states(tx: &Connection) -> Tx<Vec<OperatorWebhookState>> {
    sql::all(tx, OPERATOR_STATES, (), operator_state)
}

fn operator_state(row: &Row<'_>) -> Tx<OperatorWebhookState> {
    let reason: Option<String> = row.get(4)?;
    Ok(OperatorWebhookState {
        name: sql::coded(row, 0, columns::webhook_name)?,
        configuration: row.get(1)?,
        failing_since: sql::optional_instant(row, 2)?,
        disabled: columns::disabled(row.get(3)?, reason.as_deref())?,
    })
}

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
        scope_requires_2fa: facts::requires_2fa(tx, &command.scope)?.unwrap_or_default(),
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
