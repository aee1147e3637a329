use aam_registry_core::decide::{InvitationChange, InvitationFacts, InvitationUpdate};
use rusqlite::Connection;

use super::{facts, failure::Tx, sql};

pub(super) fn invitation_facts(tx: &Connection, change: &InvitationChange) -> Tx<InvitationFacts> {
    let caller = change.actor.as_ref().map(|actor| facts::caller(tx, actor)).transpose()?.unwrap_or_default();
    let mut facts = InvitationFacts { caller, ..InvitationFacts::default() };
    match &change.update {
        InvitationUpdate::Create { invitation, .. } => {
            for (scope, _) in &invitation.scopes {
                if !facts::scope_exists(tx, scope)? {
                    facts.unknown_scopes.push(scope.clone());
                }
            }
        }
        InvitationUpdate::Revoke(id) => {
            facts.exists = sql::exists(tx, "SELECT 1 FROM invitations WHERE id = ?1", [id.to_string()])?;
        }
    }
    Ok(facts)
}
