//! Invitations: made and revoked by administrators.

use crate::{
    decide::{Action, CallerFacts, ChangesOf, DecisionOf},
    error::{Error, Result},
    types::{Actor, Invitation, InvitationId, NewAuditEntry, NewJob, ScopeName, SealedSecret},
};

/// Something to do with invitations.
#[derive(Clone, Debug)]
pub struct InvitationChange {
    /// The administrator who does it; `None` for the operator.
    pub actor: Option<Actor>,
    /// What is done.
    pub update: InvitationUpdate,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What is done with invitations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvitationUpdate {
    /// One is made.
    Create {
        /// The invitation.
        invitation: Invitation,
        /// The address and the secret, sealed, for the mail that tells of it; `None` where none is sent.
        mail: Option<SealedSecret>,
    },
    /// One is revoked.
    Revoke(InvitationId),
}

/// What is written of invitations.
#[derive(Clone, Debug)]
pub enum InvitationWrite {
    /// Makes one.
    Add(Invitation),
    /// Removes one.
    Remove(InvitationId),
    /// Queues the mail that tells of one.
    Mail(NewJob),
}

/// What a change of invitations is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvitationFacts {
    /// Who acts, where that is a user.
    pub caller: CallerFacts,
    /// Whether there is an invitation of the id that is to be revoked.
    pub exists: bool,
    /// The scopes of the invitation that do not exist.
    pub unknown_scopes: Vec<ScopeName>,
}

impl InvitationChange {
    /// Makes or revokes an invitation.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`]; [`Error::ScopeNotFound`]; [`Error::NotFound`].
    pub fn decide(&self, facts: &InvitationFacts) -> Result<DecisionOf<(), InvitationWrite>> {
        if let Some(actor) = &self.actor {
            facts.caller.require_live(actor, self.audit.timestamp)?.require_everywhere(Action::Invite)?;
        }
        let writes = match &self.update {
            InvitationUpdate::Create { invitation, mail } => {
                if let Some(scope) = facts.unknown_scopes.first() {
                    return Err(Error::ScopeNotFound(scope.clone()));
                }
                let mail = mail.iter().map(|sealed| InvitationWrite::Mail(NewJob::mail_to(&self.audit, sealed)));
                [InvitationWrite::Add(invitation.clone())].into_iter().chain(mail).collect()
            }
            InvitationUpdate::Revoke(id) if facts.exists => vec![InvitationWrite::Remove(*id)],
            InvitationUpdate::Revoke(id) => {
                let message = format!("There is no invitation {id}; it was used or revoked, or has expired");
                return Err(Error::NotFound(message));
            }
        };
        let changes = ChangesOf { writes, audit: vec![self.audit.clone()], invalidates: None };
        Ok(DecisionOf { answer: (), changes })
    }
}
