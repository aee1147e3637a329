use aam_registry_core::types::LoginSession;
use rusqlite::Connection;

use super::{failure::Tx, sql};
use crate::relational::columns;

/// Records a session.
pub(super) fn add(tx: &Connection, session: &LoginSession) -> Tx<()> {
    let insert = "INSERT INTO sessions
        (user_id, id, generation, place, client_ip, client, created_at, last_seen_at, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let row = (
        session.user.to_string(),
        &session.id,
        columns::signed(session.generation),
        session.client.place(),
        session.client.address.map(|address| address.to_string()),
        &session.client.agent,
        session.created_at.as_microsecond(),
        session.last_seen_at.as_microsecond(),
        session.expires_at.as_microsecond(),
    );
    sql::run(tx, insert, row).map(drop)
}
