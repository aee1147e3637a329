use aam_registry_core::{
    Result,
    decide::{EnableOperatorWebhook, OperatorWebhookReport, WebhookCommand, WebhookFacts, WebhookReport},
    ports::WebhookStore,
    types::{OperatorWebhookState, ScopeName, ScopeWebhook, SealedSecret, StoredWebhook, WebhookId, WebhookName},
};
use async_trait::async_trait;
use futures_util::try_join;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    admission::Rows,
    apply::apply,
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

const OPERATOR_STATE_TO_CHANGE: &str = "SELECT name, configuration, failing_since, disabled_at, disabled_reason
    FROM operator_webhooks WHERE name = $1 FOR NO KEY UPDATE";
/// As many as the operator has webhooks.
const OPERATOR_STATES: &str = "SELECT name, configuration, failing_since, disabled_at, disabled_reason
    FROM operator_webhooks ORDER BY name";

#[async_trait]
impl WebhookStore for PostgresMetadata {
    async fn change_webhook(&self, command: &WebhookCommand) -> Result<ScopeWebhook> {
        let rows = Rows::of(&command.actor).and_scope(&command.scope);
        self.change(rows, |tx| async move {
            let facts = webhook_facts(&tx, command).await?;
            apply(&tx, command.decide(&facts)?).await
        })
        .await
    }

    async fn report_delivery(&self, report: &WebhookReport) -> Result<Option<ScopeWebhook>> {
        self.write(|tx| async move {
            let found = sql::first(&tx, FIND_TO_CHANGE, [&Uuid::from(report.id)], webhook).await?;
            apply(&tx, report.decide(found.as_ref())?).await
        })
        .await
    }

    async fn webhooks(&self, scope: &ScopeName) -> Result<Vec<ScopeWebhook>> {
        let scope = scope.as_str();
        self.read(|tx| async move { sql::all(&tx, OF_SCOPE, [&scope], |row| Ok(webhook(row)?.webhook)).await }).await
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<StoredWebhook>> {
        self.read(|tx| async move { sql::first(&tx, FIND, [&Uuid::from(id)], webhook).await }).await
    }

    async fn report_operator_delivery(&self, report: &OperatorWebhookReport) -> Result<Option<OperatorWebhookState>> {
        self.write(|tx| async move {
            let found = lock_operator(&tx, &report.name).await?;
            apply(&tx, report.decide(found.as_ref())?).await
        })
        .await
    }

    async fn enable_operator_webhook(&self, command: &EnableOperatorWebhook) -> Result<bool> {
        self.write(|tx| async move {
            let found = lock_operator(&tx, &command.name).await?;
            apply(&tx, command.decide(found.as_ref())?).await
        })
        .await
    }

    async fn operator_webhook_states(&self) -> Result<Vec<OperatorWebhookState>> {
        self.read(|tx| async move { sql::all(&tx, OPERATOR_STATES, [], operator_state).await }).await
    }
}

/// The state of a webhook of the operator, which stays so until the end of the transaction. Of two that note the first
/// failure at once, the later one counts.
async fn lock_operator(tx: &Session, name: &WebhookName) -> Tx<Option<OperatorWebhookState>> {
    sql::first(tx, OPERATOR_STATE_TO_CHANGE, [&name.as_str()], operator_state).await
}

fn operator_state(row: &Row) -> Tx<OperatorWebhookState> {
    Ok(OperatorWebhookState {
        name: sql::coded(row, 0, columns::webhook_name)?,
        configuration: sql::text(row, 1)?,
        failing_since: sql::optional_instant(row, 2)?,
        disabled: columns::disabled(row.try_get(3)?, row.try_get(4)?)?,
    })
}

/// Locks the actor, the scope, the webhook and its delivery.
async fn webhook_facts(tx: &Session, command: &WebhookCommand) -> Tx<WebhookFacts> {
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
