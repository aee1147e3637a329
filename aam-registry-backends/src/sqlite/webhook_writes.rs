//! Changes of the webhooks of scopes.

use aam_registry_core::types::{ScopeWebhook, StoredWebhook};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{failure::Tx, sql};
use crate::relational::columns;

/// What is stored of a webhook.
pub(super) const COLUMNS: &str =
    "id, scope, url, secret, events, created_at, failing_since, disabled_at, disabled_reason";

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
