use aam_registry_core::{
    decide::{SetReadOnly, SetReadOnlyFacts},
    types::ReadOnlyMode,
};
use rusqlite::Connection;

use super::{facts, failure::Tx, sql};

/// The read-only mode that the registry is in, if any.
pub(super) fn mode(tx: &Connection) -> Tx<Option<ReadOnlyMode>> {
    sql::first(tx, "SELECT since, set_by, reason FROM read_only_mode WHERE id = 1", [], |row| {
        Ok(ReadOnlyMode { since: sql::instant(row, 0)?, by: row.get(1)?, reason: row.get(2)? })
    })
}

pub(super) fn switch_facts(tx: &Connection, switch: &SetReadOnly) -> Tx<SetReadOnlyFacts> {
    let caller = switch.actor.as_ref().map(|actor| facts::caller(tx, actor)).transpose()?.unwrap_or_default();
    Ok(SetReadOnlyFacts { caller, mode: mode(tx)? })
}

pub(super) fn set(tx: &Connection, mode: Option<&ReadOnlyMode>) -> Tx<()> {
    sql::run(tx, "DELETE FROM read_only_mode WHERE id = 1", [])?;
    let Some(ReadOnlyMode { since, by, reason }) = mode else { return Ok(()) };
    let add = "INSERT INTO read_only_mode (id, since, set_by, reason) VALUES (1, ?1, ?2, ?3)";
    sql::run(tx, add, (since.as_microsecond(), by, reason)).map(drop)
}
