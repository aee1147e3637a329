use aam_registry_core::{
    decide::{OperatorWebhookFacts, OperatorWebhookWrite},
    types::{OperatorWebhookState, WebhookName},
};

use crate::relational::{
    columns::{self, Corrupt},
    transaction::{Row, Step, Transaction, params},
};

/// What [`state`] reads.
macro_rules! columns {
    () => {
        "name, configuration, failing_since, disabled_at, disabled_reason"
    };
}

const FIND_TO_CHANGE: &str =
    concat!("SELECT ", columns!(), " FROM operator_webhooks WHERE name = $1 FOR NO KEY UPDATE");
/// As many as the operator has webhooks.
const LIST: &str = concat!("SELECT ", columns!(), " FROM operator_webhooks ORDER BY name");
const PUT: &str = concat!(
    "INSERT INTO operator_webhooks (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (name) DO UPDATE SET configuration = excluded.configuration,
        failing_since = excluded.failing_since, disabled_at = excluded.disabled_at,
        disabled_reason = excluded.disabled_reason"
);
const FORGET: &str = "DELETE FROM operator_webhooks WHERE name = $1";

/// Locks what is known of a webhook. Of two that note the first failure at once, the later one counts.
pub(super) async fn facts<T: Transaction>(tx: &T, name: &WebhookName) -> Result<OperatorWebhookFacts, T::Failure> {
    Ok(OperatorWebhookFacts { state: tx.first(FIND_TO_CHANGE, params![name.as_str()], state).await? })
}

/// What is known of the webhooks of the operator, in the order of their names.
pub(super) async fn list<T: Transaction>(tx: &T) -> Result<Vec<OperatorWebhookState>, T::Failure> {
    tx.all(LIST, params![], state).await
}

#[expect(clippy::unnecessary_wraps, reason = "every resource has it in this shape, and the writes of some can fail")]
pub(super) fn write(write: OperatorWebhookWrite) -> Result<Step, Corrupt> {
    Ok(match write {
        OperatorWebhookWrite::Put(state) => {
            let row = params![
                state.name.as_str(),
                state.configuration,
                state.failing_since,
                state.disabled.map(|disabled| disabled.at),
                state.disabled.map(|disabled| disabled.reason.as_str()),
            ];
            Step::Run(PUT, row)
        }
        OperatorWebhookWrite::Forget(name) => Step::Run(FORGET, params![name.as_str()]),
    })
}

fn state(row: &Row) -> Result<OperatorWebhookState, Corrupt> {
    Ok(OperatorWebhookState {
        name: row.coded(0, columns::webhook_name)?,
        configuration: row.text(1)?,
        failing_since: row.optional_instant(2)?,
        disabled: columns::disabled(row.optional_int(3)?, row.optional_text(4)?.as_deref())?,
    })
}
