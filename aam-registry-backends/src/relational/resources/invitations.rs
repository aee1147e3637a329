use std::collections::BTreeMap;

use aam_registry_core::{
    decide::{CallerFacts, InvitationChange, InvitationFacts, InvitationUpdate, InvitationWrite},
    types::{AccountRole, Invitation, InvitationId, ScopeName, ScopeRole, Sha256Digest},
};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use crate::relational::{
    columns::{self, Corrupt},
    transaction::{Row, Step, Transaction, Value, params},
};

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
const SCOPE: &str = "SELECT 1 FROM scopes WHERE name = $1";
const ADD: &str = concat!("INSERT INTO invitations (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
/// Removes an invitation by its id.
pub(crate) const REMOVE: &str = "DELETE FROM invitations WHERE id = $1";

/// At most 500 invitations that have not expired, newest first.
pub(super) async fn open<T: Transaction>(tx: &T, now: Timestamp) -> Result<Vec<Invitation>, T::Failure> {
    tx.all(OPEN, params![now], invitation).await
}

/// The invitation with that secret.
pub(super) async fn of_secret<T: Transaction>(tx: &T, digest: &Sha256Digest) -> Result<Option<Invitation>, T::Failure> {
    tx.first(OF_SECRET, params![digest], invitation).await
}

/// The invitation with that secret, locked.
pub(crate) async fn to_use<T: Transaction>(tx: &T, digest: &Sha256Digest) -> Result<Option<Invitation>, T::Failure> {
    tx.first(TO_USE, params![digest], invitation).await
}

pub(super) async fn facts<T: Transaction>(tx: &T, change: &InvitationChange) -> Result<InvitationFacts, T::Failure> {
    let caller = match &change.actor {
        Some(actor) => tx.caller(actor).await?,
        None => CallerFacts::default(),
    };
    let mut facts = InvitationFacts { caller, ..InvitationFacts::default() };
    match &change.update {
        InvitationUpdate::Create { invitation, .. } => {
            for (scope, _) in &invitation.scopes {
                if !tx.exists(SCOPE, params![scope.as_str()]).await? {
                    facts.unknown_scopes.push(scope.clone());
                }
            }
        }
        InvitationUpdate::Revoke(id) => facts.exists = tx.exists(EXISTS, params![Value::id(*id)]).await?,
    }
    Ok(facts)
}

#[expect(clippy::unnecessary_wraps, reason = "every resource has it in this shape, and the writes of some can fail")]
pub(super) fn write(write: InvitationWrite) -> Result<Step, Corrupt> {
    Ok(match write {
        InvitationWrite::Add(invitation) => {
            let row = params![
                Value::id(invitation.id),
                &invitation.digest,
                invitation.email,
                roles_text(&invitation.roles),
                scopes_text(&invitation.scopes),
                invitation.invited_by,
                invitation.created_at,
                invitation.expires_at,
            ];
            Step::Run(ADD, row)
        }
        InvitationWrite::Remove(id) => remove(id),
        InvitationWrite::Mail(job) => Step::Queue(job),
    })
}

/// Removes an invitation.
pub(crate) fn remove(id: InvitationId) -> Step {
    Step::Run(REMOVE, params![Value::id(id)])
}

fn invitation(row: &Row) -> Result<Invitation, Corrupt> {
    Ok(Invitation {
        id: row.id(0)?,
        digest: row.digest(1)?,
        email: row.optional_text(2)?,
        roles: row.coded(3, roles)?,
        scopes: row.coded(4, scopes)?,
        invited_by: row.text(5)?,
        created_at: row.instant(6)?,
        expires_at: row.instant(7)?,
    })
}

/// The roles of an invitation as a JSON array.
fn roles_text(roles: &[AccountRole]) -> String {
    Json::from(roles.iter().map(|role| role.as_str()).collect::<Vec<_>>()).to_string()
}

/// Reads what [`roles_text`] wrote.
fn roles(text: &str) -> Result<Vec<AccountRole>, Corrupt> {
    let names: Vec<String> = serde_json::from_str(text)?;
    names.iter().map(|name| AccountRole::parse(name).ok_or_else(|| Corrupt(format!("role `{name}`")))).collect()
}

/// The scopes of an invitation as a JSON object of their roles.
fn scopes_text(scopes: &[(ScopeName, ScopeRole)]) -> String {
    let fields = scopes.iter().map(|(scope, role)| (scope.to_string(), Json::from(role.as_str())));
    Json::from(fields.collect::<Map<_, _>>()).to_string()
}

/// Reads what [`scopes_text`] wrote.
fn scopes(text: &str) -> Result<Vec<(ScopeName, ScopeRole)>, Corrupt> {
    let fields: BTreeMap<String, String> = serde_json::from_str(text)?;
    let read = |(scope, role): (String, String)| Ok((scope.parse::<ScopeName>()?, columns::role(&role)?));
    fields.into_iter().map(read).collect()
}
