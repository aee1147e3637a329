use aam_registry_core::{
    decide::{WebhookCommand, WebhookFacts, WebhookReport, WebhookReportFacts},
    types::{ScopeName, ScopeWebhook, SealedSecret, StoredWebhook, WebhookId},
};
use futures_util::try_join;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    connection::Session,
    facts::{CallerQueries, role},
    failure::{Failure, Tx},
    jobs, sql,
    webhook_writes::webhook_columns,
};
use crate::relational::columns;

const FIND: &str = concat!("SELECT ", webhook_columns!(), " FROM scope_webhooks WHERE id = $1");
const FIND_TO_CHANGE: &str =
    concat!("SELECT ", webhook_columns!(), " FROM scope_webhooks WHERE id = $1 FOR NO KEY UPDATE");
const OF_SCOPE: &str =
    concat!("SELECT ", webhook_columns!(), " FROM scope_webhooks WHERE scope = $1 ORDER BY created_at, id");
const SCOPE: &str = "SELECT 1 FROM scopes WHERE name = $1 FOR NO KEY UPDATE";
/// The role of a user in a scope, and how many webhooks the scope has.
const ROLE: &str = "SELECT (SELECT m.role FROM scope_members m WHERE m.scope = $1 AND m.user_id = $2),
    (SELECT count(*) FROM scope_webhooks w WHERE w.scope = $1)";

/// The webhooks of a scope, oldest first.
pub(super) async fn of_scope(tx: &Session, scope: &ScopeName) -> Tx<Vec<ScopeWebhook>> {
    sql::all(tx, OF_SCOPE, [&scope.as_str()], |row| Ok(webhook(row)?.webhook)).await
}

/// The webhook of that id.
pub(super) async fn find(tx: &Session, id: WebhookId) -> Tx<Option<StoredWebhook>> {
    sql::first(tx, FIND, [&Uuid::from(id)], webhook).await
}

/// Locks the webhook.
pub(super) async fn report_facts(tx: &Session, report: &WebhookReport) -> Tx<WebhookReportFacts> {
    let webhook = sql::first(tx, FIND_TO_CHANGE, [&Uuid::from(report.id)], webhook).await?;
    Ok(WebhookReportFacts { webhook })
}

/// Locks the actor, the scope, the webhook and its delivery.
pub(super) async fn webhook_facts(tx: &Session, command: &WebhookCommand) -> Tx<WebhookFacts> {
    let queries = CallerQueries::prepare(tx).await?;
    let [lock, role_of, find] = tx.prepare([SCOPE, ROLE, FIND_TO_CHANGE]).await?;
    let (scope, webhook_id) = (command.scope.as_str(), command.change.webhook());
    let (user, id) = (Uuid::from(command.actor.user), Uuid::from(webhook_id));
    let (caller, locked, roles, webhooks) = try_join!(
        queries.load(tx, &command.actor),
        tx.rows(&lock, [&scope]),
        tx.rows(&role_of, [&scope, &user]),
        tx.rows(&find, [&id]),
    )?;
    let row = roles.first().ok_or_else(|| Failure::Corrupt("a query without a row".into()))?;
    let delivery = match command.change.delivery() {
        Some(delivery) => jobs::state(tx, delivery, &ScopeWebhook::kind_of(&command.scope, webhook_id)).await?,
        None => None,
    };
    let found = webhooks.first().map(webhook).transpose()?;
    Ok(WebhookFacts {
        caller,
        scope_exists: !locked.is_empty(),
        role: role(row, 0)?,
        webhooks: sql::unsigned(row, 1)?,
        webhook: found.filter(|stored| stored.webhook.scope == command.scope),
        delivery,
    })
}

fn webhook(row: &Row) -> Tx<StoredWebhook> {
    let webhook = ScopeWebhook {
        id: sql::id(row, 0)?,
        scope: sql::parsed(row, 1)?,
        url: sql::coded(row, 2, columns::webhook_url)?,
        events: sql::coded(row, 4, columns::audit_events)?,
        created_at: sql::instant(row, 5)?,
        failing_since: sql::optional_instant(row, 6)?,
        disabled: columns::disabled(row.try_get(7)?, row.try_get(8)?)?,
    };
    Ok(StoredWebhook { webhook, secret: SealedSecret::new(row.try_get::<_, String>(3)?) })
}
