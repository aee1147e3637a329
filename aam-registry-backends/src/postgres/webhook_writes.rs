//! Changes of the webhooks of scopes.

use aam_registry_core::types::StoredWebhook;
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
