use aam_registry_core::types::LoginSession;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    connection::Session,
    failure::Tx,
    sql::{self, Text},
};
use crate::relational::columns;

pub(super) const ADD: &str = "INSERT INTO sessions
        (user_id, id, generation, place, client_ip, client, created_at, last_seen_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(super) const FORGET: &str = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
pub(super) const FORGET_ALL: &str = "DELETE FROM sessions WHERE user_id = $1 AND ($2::text IS NULL OR id <> $2)";

/// Records a session.
pub(super) async fn add(tx: &Session, session: &LoginSession) -> Tx<()> {
    let (place, address) = (session.client.place(), session.client.address.map(|address| address.to_string()));
    let row: [&(dyn ToSql + Sync); 9] = [
        &Uuid::from(session.user),
        &Text(&session.id),
        &columns::signed(session.generation),
        &Text(&place),
        &address,
        &session.client.agent.as_deref().map(Text),
        &session.created_at.as_microsecond(),
        &session.last_seen_at.as_microsecond(),
        &session.expires_at.as_microsecond(),
    ];
    sql::run(tx, ADD, row).await.map(drop)
}
