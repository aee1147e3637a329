use aam_registry_core::{
    decide::{CallerFacts, InvitationChange, InvitationFacts, InvitationUpdate},
    types::{Invitation, ScopeName, Sha256Digest},
};
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    connection::Session,
    facts,
    failure::Tx,
    sql::{self, Text},
};
use crate::relational::invitations as columns;

/// What [`invitation`] reads.
macro_rules! columns {
    () => {
        "id, digest, email, roles, scopes, invited_by, created_at, expires_at"
    };
}

const OPEN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM invitations WHERE expires_at > $1 ORDER BY created_at DESC, id DESC LIMIT 500"
);
const OF_SECRET: &str = concat!("SELECT ", columns!(), " FROM invitations WHERE digest = $1");
/// Of two who register with one invitation, the second waits here, and finds none then.
const TO_USE: &str = concat!("SELECT ", columns!(), " FROM invitations WHERE digest = $1 FOR UPDATE");
const EXISTS: &str = "SELECT 1 FROM invitations WHERE id = $1 FOR UPDATE";
const KNOWN_SCOPES: &str = "SELECT name FROM scopes WHERE name = ANY($1)";
pub(super) const ADD: &str =
    concat!("INSERT INTO invitations (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
pub(super) const REMOVE: &str = "DELETE FROM invitations WHERE id = $1";

/// At most 500 invitations that have not expired, newest first.
pub(super) async fn open(tx: &Session, now: Timestamp) -> Tx<Vec<Invitation>> {
    sql::all(tx, OPEN, [&now.as_microsecond()], invitation).await
}

/// The invitation with that secret.
pub(super) async fn of_secret(tx: &Session, digest: &Sha256Digest) -> Tx<Option<Invitation>> {
    sql::first(tx, OF_SECRET, [&digest.as_bytes().as_slice()], invitation).await
}

/// The invitation with that secret, locked.
pub(super) async fn to_use(tx: &Session, digest: &Sha256Digest) -> Tx<Option<Invitation>> {
    sql::first(tx, TO_USE, [&digest.as_bytes().as_slice()], invitation).await
}

pub(super) async fn invitation_facts(tx: &Session, change: &InvitationChange) -> Tx<InvitationFacts> {
    let caller = match &change.actor {
        Some(actor) => facts::caller(tx, actor).await?,
        None => CallerFacts::default(),
    };
    let mut facts = InvitationFacts { caller, ..InvitationFacts::default() };
    match &change.update {
        InvitationUpdate::Create { invitation, .. } => {
            let names: Vec<&str> = invitation.scopes.iter().map(|(scope, _)| scope.as_str()).collect();
            let known: Vec<ScopeName> = sql::all(tx, KNOWN_SCOPES, [&names], |row| sql::parsed(row, 0)).await?;
            let unknown = invitation.scopes.iter().map(|(scope, _)| scope).filter(|scope| !known.contains(scope));
            facts.unknown_scopes = unknown.cloned().collect();
        }
        InvitationUpdate::Revoke(id) => facts.exists = sql::exists(tx, EXISTS, [&Uuid::from(*id)]).await?,
    }
    Ok(facts)
}

pub(super) async fn add(tx: &Session, invitation: &Invitation) -> Tx<()> {
    let (id, digest) = (Uuid::from(invitation.id), invitation.digest.as_bytes().as_slice());
    let email = invitation.email.as_deref().map(Text);
    let (roles, scopes) = (columns::roles_text(&invitation.roles), columns::scopes_text(&invitation.scopes));
    let (created_at, expires_at) = (invitation.created_at.as_microsecond(), invitation.expires_at.as_microsecond());
    let invited_by = Text(&invitation.invited_by);
    let row: [&(dyn ToSql + Sync); 8] = [&id, &digest, &email, &roles, &scopes, &invited_by, &created_at, &expires_at];
    sql::run(tx, ADD, row).await.map(drop)
}

fn invitation(row: &Row) -> Tx<Invitation> {
    Ok(Invitation {
        id: sql::id(row, 0)?,
        digest: sql::digest(row, 1)?,
        email: sql::optional_text(row, 2)?,
        roles: sql::coded(row, 3, columns::roles)?,
        scopes: sql::coded(row, 4, columns::scopes)?,
        invited_by: sql::text(row, 5)?,
        created_at: sql::instant(row, 6)?,
        expires_at: sql::instant(row, 7)?,
    })
}
