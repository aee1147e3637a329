use aam_registry_core::{
    Result,
    decide::{WebhookCommand, WebhookFacts, WebhookReport},
    ports::WebhookStore,
    types::{ScopeName, ScopeWebhook, SealedSecret, StoredWebhook, WebhookId},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::{SqliteMetadata, apply::apply, facts, failure::Tx, jobs, scopes, sql};
use crate::relational::columns;

/// What [`webhook`] reads.
const COLUMNS: &str = "id, scope, url, secret, events, created_at, failing_since, disabled_at, disabled_reason";

#[async_trait]
impl WebhookStore for SqliteMetadata {
    async fn change_webhook(&self, command: &WebhookCommand) -> Result<ScopeWebhook> {
        let command = command.clone();
        self.write(move |tx| {
            let facts = webhook_facts(tx, &command)?;
            apply(tx, command.decide(&facts)?)
        })
        .await
    }

    async fn report_delivery(&self, report: &WebhookReport) -> Result<Option<ScopeWebhook>> {
        let report = report.clone();
        self.write(move |tx| apply(tx, report.decide(find(tx, report.id)?.as_ref())?)).await
    }

    async fn webhooks(&self, scope: &ScopeName) -> Result<Vec<ScopeWebhook>> {
        let scope = scope.clone();
        self.read(move |tx| {
            let query = format!("SELECT {COLUMNS} FROM scope_webhooks WHERE scope = ?1 ORDER BY created_at, id");
            sql::all(tx, &query, [scope.as_str()], |row| Ok(webhook(row)?.webhook))
        })
        .await
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<StoredWebhook>> {
        self.read(move |tx| find(tx, id)).await
    }
}

fn webhook_facts(tx: &Connection, command: &WebhookCommand) -> Tx<WebhookFacts> {
    let (scope, id) = (command.scope.as_str(), command.change.webhook());
    let count = "SELECT count(*) FROM scope_webhooks WHERE scope = ?1";
    let delivery = match command.change.delivery() {
        Some(delivery) => jobs::state(tx, delivery, &ScopeWebhook::kind_of(&command.scope, id))?,
        None => None,
    };
    Ok(WebhookFacts {
        caller: facts::caller(tx, &command.actor)?,
        scope_exists: scopes::exists(tx, &command.scope)?,
        role: facts::role(tx, scope, command.actor.user)?,
        webhooks: sql::first(tx, count, [scope], |row| sql::unsigned(row, 0))?.unwrap_or_default(),
        webhook: find(tx, id)?.filter(|stored| stored.webhook.scope == command.scope),
        delivery,
    })
}

fn find(tx: &Connection, id: WebhookId) -> Tx<Option<StoredWebhook>> {
    let query = format!("SELECT {COLUMNS} FROM scope_webhooks WHERE id = ?1");
    sql::first(tx, &query, [id.to_string()], webhook)
}

/// Makes a webhook, or makes it what it is from now on.
pub(super) fn put(tx: &Connection, stored: &StoredWebhook) -> Tx<()> {
    let StoredWebhook { webhook, secret } = stored;
    let row = (
        webhook.id.to_string(),
        webhook.scope.as_str(),
        webhook.url.as_str(),
        secret.as_str(),
        columns::audit_events_text(&webhook.events)?,
        webhook.created_at.as_microsecond(),
        webhook.failing_since.map(Timestamp::as_microsecond),
        webhook.disabled.map(|disabled| disabled.at.as_microsecond()),
        webhook.disabled.map(|disabled| disabled.reason.as_str()),
    );
    let put = format!(
        "INSERT INTO scope_webhooks ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET url = excluded.url, secret = excluded.secret, events = excluded.events,
            failing_since = excluded.failing_since, disabled_at = excluded.disabled_at,
            disabled_reason = excluded.disabled_reason"
    );
    sql::run(tx, &put, row).map(drop)
}

/// Deletes a webhook and its deliveries.
pub(super) fn delete(tx: &Connection, webhook: &ScopeWebhook) -> Tx<()> {
    sql::run(tx, "DELETE FROM jobs WHERE kind = ?1", [webhook.job_kind()])?;
    sql::run(tx, "DELETE FROM scope_webhooks WHERE id = ?1", [webhook.id.to_string()]).map(drop)
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
