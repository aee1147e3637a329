//! Changes of the webhooks of scopes, and of what is known of those of the operator.

use aam_registry_core::types::{OperatorWebhookState, StoredWebhook};
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{connection::Session, failure::Tx, sql};
use crate::relational::columns;

/// What is stored of a webhook.
macro_rules! webhook_columns {
    () => {
        "id, scope, url, secret, events, created_at, failing_since, disabled_at, disabled_reason"
    };
}
pub(super) use webhook_columns;

pub(super) const PUT: &str = concat!(
    "INSERT INTO scope_webhooks (",
    webhook_columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (id) DO UPDATE SET url = excluded.url, secret = excluded.secret, events = excluded.events,
        failing_since = excluded.failing_since, disabled_at = excluded.disabled_at,
        disabled_reason = excluded.disabled_reason"
);
pub(super) const DELETE: &str = "DELETE FROM scope_webhooks WHERE id = $1";

/// Makes a webhook, or makes it what it is from now on.
pub(super) async fn put(tx: &Session, stored: &StoredWebhook) -> Tx<()> {
    let StoredWebhook { webhook, secret } = stored;
    let disabled_at = webhook.disabled.map(|disabled| disabled.at.as_microsecond());
    let disabled_reason = webhook.disabled.map(|disabled| disabled.reason.as_str());
    let row: [&(dyn ToSql + Sync); 9] = [
        &Uuid::from(webhook.id),
        &webhook.scope.as_str(),
        &webhook.url.as_str(),
        &secret.as_str(),
        &columns::audit_events_text(&webhook.events)?,
        &webhook.created_at.as_microsecond(),
        &webhook.failing_since.map(Timestamp::as_microsecond),
        &disabled_at,
        &disabled_reason,
    ];
    sql::run(tx, PUT, row).await.map(drop)
}

pub(super) const PUT_OPERATOR: &str =
    "INSERT INTO operator_webhooks (name, configuration, failing_since, disabled_at, disabled_reason)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (name) DO UPDATE SET configuration = excluded.configuration,
        failing_since = excluded.failing_since, disabled_at = excluded.disabled_at,
        disabled_reason = excluded.disabled_reason";
pub(super) const FORGET_OPERATOR: &str = "DELETE FROM operator_webhooks WHERE name = $1";

/// Notes what is known of a webhook of the operator.
pub(super) async fn put_operator(tx: &Session, state: &OperatorWebhookState) -> Tx<()> {
    let disabled_at = state.disabled.map(|disabled| disabled.at.as_microsecond());
    let disabled_reason = state.disabled.map(|disabled| disabled.reason.as_str());
    let row: [&(dyn ToSql + Sync); 5] = [
        &state.name.as_str(),
        &state.configuration,
        &state.failing_since.map(Timestamp::as_microsecond),
        &disabled_at,
        &disabled_reason,
    ];
    sql::run(tx, PUT_OPERATOR, row).await.map(drop)
}
