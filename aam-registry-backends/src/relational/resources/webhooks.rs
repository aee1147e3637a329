use aam_registry_core::{
    decide::{WebhookCommand, WebhookFacts, WebhookReport, WebhookReportFacts, WebhookWrite},
    types::{ScopeName, ScopeWebhook, SealedSecret, StoredWebhook, WebhookId},
};

use crate::relational::{
    columns::{self, Corrupt},
    transaction::{Row, Step, Transaction, Value, params},
};

/// What [`webhook`] reads.
macro_rules! columns {
    () => {
        "id, scope, url, secret, events, created_at, failing_since, disabled_at, disabled_reason"
    };
}

const FIND: &str = concat!("SELECT ", columns!(), " FROM scope_webhooks WHERE id = $1");
const FIND_TO_CHANGE: &str = concat!("SELECT ", columns!(), " FROM scope_webhooks WHERE id = $1 FOR NO KEY UPDATE");
const OF_SCOPE: &str = concat!("SELECT ", columns!(), " FROM scope_webhooks WHERE scope = $1 ORDER BY created_at, id");
const SCOPE: &str = "SELECT require_2fa FROM scopes WHERE name = $1 FOR NO KEY UPDATE";
const ROLE: &str = "SELECT role FROM scope_members WHERE scope = $1 AND user_id = $2";
const COUNT: &str = "SELECT count(*) FROM scope_webhooks WHERE scope = $1";
const PUT: &str = concat!(
    "INSERT INTO scope_webhooks (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (id) DO UPDATE SET url = excluded.url, secret = excluded.secret, events = excluded.events,
        failing_since = excluded.failing_since, disabled_at = excluded.disabled_at,
        disabled_reason = excluded.disabled_reason"
);
const DELETE: &str = "DELETE FROM scope_webhooks WHERE id = $1";
const DROP_DELIVERIES: &str = "DELETE FROM jobs WHERE kind = $1";

/// The webhooks of a scope, oldest first.
pub(super) async fn of_scope<T: Transaction>(tx: &T, scope: &ScopeName) -> Result<Vec<ScopeWebhook>, T::Failure> {
    tx.all(OF_SCOPE, params![scope.as_str()], |row| Ok(webhook(row)?.webhook)).await
}

/// The webhook of that id.
pub(super) async fn find<T: Transaction>(tx: &T, id: WebhookId) -> Result<Option<StoredWebhook>, T::Failure> {
    tx.first(FIND, params![Value::id(id)], webhook).await
}

/// Locks the webhook.
pub(super) async fn report_facts<T: Transaction>(
    tx: &T,
    report: &WebhookReport,
) -> Result<WebhookReportFacts, T::Failure> {
    let webhook = tx.first(FIND_TO_CHANGE, params![Value::id(report.id)], webhook).await?;
    Ok(WebhookReportFacts { webhook })
}

/// Locks the actor, the scope, the webhook and its delivery.
pub(super) async fn facts<T: Transaction>(tx: &T, command: &WebhookCommand) -> Result<WebhookFacts, T::Failure> {
    let (scope, id) = (command.scope.as_str(), command.change.webhook());
    let caller = tx.caller(&command.actor).await?;
    let requires_2fa = tx.first(SCOPE, params![scope], |row| row.bool(0)).await?;
    let role = tx.first(ROLE, params![scope, Value::id(command.actor.user)], |row| row.coded(0, columns::role)).await?;
    let webhooks = tx.count(COUNT, params![scope]).await?;
    let webhook = tx.first(FIND_TO_CHANGE, params![Value::id(id)], webhook).await?;
    let delivery = match command.change.delivery() {
        Some(delivery) => tx.job_state(delivery, &ScopeWebhook::kind_of(&command.scope, id)).await?,
        None => None,
    };
    let webhook = webhook.filter(|stored| stored.webhook.scope == command.scope);
    Ok(WebhookFacts {
        caller,
        scope_exists: requires_2fa.is_some(),
        scope_requires_2fa: requires_2fa.unwrap_or_default(),
        role,
        webhooks,
        webhook,
        delivery,
    })
}

pub(super) fn write(write: WebhookWrite) -> Result<Step, Corrupt> {
    Ok(match write {
        WebhookWrite::Put(StoredWebhook { webhook, secret }) => {
            let row = params![
                Value::id(webhook.id),
                webhook.scope.as_str(),
                webhook.url.as_str(),
                secret.as_str(),
                columns::audit_events_text(&webhook.events)?,
                webhook.created_at,
                webhook.failing_since,
                webhook.disabled.map(|disabled| disabled.at),
                webhook.disabled.map(|disabled| disabled.reason.as_str()),
            ];
            Step::Run(PUT, row)
        }
        WebhookWrite::Delete(id) => Step::Run(DELETE, params![Value::id(id)]),
        WebhookWrite::DropDeliveries(kind) => Step::Run(DROP_DELIVERIES, params![kind]),
        WebhookWrite::Queue(job) => Step::Queue(job),
        WebhookWrite::Retry(id) => Step::Retry(id),
    })
}

fn webhook(row: &Row) -> Result<StoredWebhook, Corrupt> {
    let webhook = ScopeWebhook {
        id: row.id(0)?,
        scope: row.parsed(1)?,
        url: row.coded(2, columns::webhook_url)?,
        events: row.coded(4, columns::audit_events)?,
        created_at: row.instant(5)?,
        failing_since: row.optional_instant(6)?,
        disabled: columns::disabled(row.optional_int(7)?, row.optional_text(8)?.as_deref())?,
    };
    Ok(StoredWebhook { webhook, secret: SealedSecret::new(row.text(3)?) })
}
