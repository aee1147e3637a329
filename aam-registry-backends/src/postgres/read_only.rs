use aam_registry_core::{
    decide::{CallerFacts, SetReadOnly, SetReadOnlyFacts},
    types::ReadOnlyMode,
};

use super::{
    connection::Session,
    facts,
    failure::Tx,
    sql::{self, Text},
};

const MODE: &str = "SELECT since, set_by, reason FROM read_only_mode WHERE id = 1";
pub(super) const CLEAR: &str = "DELETE FROM read_only_mode WHERE id = 1";
/// Of two that switch at once the second replaces what the first has set.
pub(super) const SET: &str = "INSERT INTO read_only_mode (id, since, set_by, reason) VALUES (1, $1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET since = excluded.since, set_by = excluded.set_by, reason = excluded.reason";

/// The read-only mode that the registry is in, if any.
pub(super) async fn mode(tx: &Session) -> Tx<Option<ReadOnlyMode>> {
    sql::first(tx, MODE, [], |row| {
        Ok(ReadOnlyMode { since: sql::instant(row, 0)?, by: sql::text(row, 1)?, reason: sql::optional_text(row, 2)? })
    })
    .await
}

pub(super) async fn switch_facts(tx: &Session, switch: &SetReadOnly) -> Tx<SetReadOnlyFacts> {
    let caller = match &switch.actor {
        Some(actor) => facts::caller(tx, actor).await?,
        None => CallerFacts::default(),
    };
    Ok(SetReadOnlyFacts { caller, mode: mode(tx).await? })
}

pub(super) async fn set(tx: &Session, mode: Option<&ReadOnlyMode>) -> Tx<()> {
    let Some(ReadOnlyMode { since, by, reason }) = mode else {
        return sql::run(tx, CLEAR, []).await.map(drop);
    };
    let reason = reason.as_deref().map(Text);
    sql::run(tx, SET, [&since.as_microsecond(), &Text(by), &reason]).await.map(drop)
}
