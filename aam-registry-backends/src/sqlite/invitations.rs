use aam_registry_core::types::{Invitation, InvitationId, Sha256Digest};
use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::{failure::Tx, sql};
use crate::relational::invitations as columns;

const COLUMNS: &str = "id, digest, email, roles, scopes, invited_by, created_at, expires_at";

/// At most 500 invitations that have not expired, newest first.
pub(super) fn open(tx: &Connection, now: Timestamp) -> Tx<Vec<Invitation>> {
    let query =
        format!("SELECT {COLUMNS} FROM invitations WHERE expires_at > ?1 ORDER BY created_at DESC, id DESC LIMIT 500");
    sql::all(tx, &query, [now.as_microsecond()], invitation)
}

/// The invitation with that secret.
pub(super) fn of_secret(tx: &Connection, digest: &Sha256Digest) -> Tx<Option<Invitation>> {
    let query = format!("SELECT {COLUMNS} FROM invitations WHERE digest = ?1");
    sql::first(tx, &query, [digest.as_bytes()], invitation)
}

pub(super) fn add(tx: &Connection, invitation: &Invitation) -> Tx<()> {
    let row = (
        invitation.id.to_string(),
        invitation.digest.as_bytes(),
        &invitation.email,
        columns::roles_text(&invitation.roles),
        columns::scopes_text(&invitation.scopes),
        &invitation.invited_by,
        invitation.created_at.as_microsecond(),
        invitation.expires_at.as_microsecond(),
    );
    let insert = format!("INSERT INTO invitations ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    sql::run(tx, &insert, row).map(drop)
}

pub(super) fn remove(tx: &Connection, id: InvitationId) -> Tx<()> {
    sql::run(tx, "DELETE FROM invitations WHERE id = ?1", [id.to_string()]).map(drop)
}

fn invitation(row: &Row<'_>) -> Tx<Invitation> {
    Ok(Invitation {
        id: sql::parsed(row, 0)?,
        digest: sql::digest(row, 1)?,
        email: row.get(2)?,
        roles: sql::coded(row, 3, columns::roles)?,
        scopes: sql::coded(row, 4, columns::scopes)?,
        invited_by: row.get(5)?,
        created_at: sql::instant(row, 6)?,
        expires_at: sql::instant(row, 7)?,
    })
}
