use jiff::Timestamp;

use crate::{
    decide::{CallerFacts, InvitationChange, InvitationFacts, InvitationUpdate, InvitationWrite},
    memory::metadata::tables::Tables,
    types::{Invitation, Sha256Digest},
};

impl Tables {
    /// At most 500 invitations that have not expired, newest first.
    pub(in crate::memory::metadata) fn open_invitations(&self, now: Timestamp) -> Vec<Invitation> {
        let open = self.invitations.values().filter(|invitation| invitation.expires_at > now);
        let mut open: Vec<_> = open.cloned().collect();
        open.sort_by_key(|invitation| std::cmp::Reverse((invitation.created_at, invitation.id)));
        open.truncate(500);
        open
    }

    pub(in crate::memory::metadata) fn invitation_of_secret(&self, digest: &Sha256Digest) -> Option<Invitation> {
        self.invitations.values().find(|invitation| invitation.digest == *digest).cloned()
    }

    pub(in crate::memory::metadata) fn invitation_facts(&self, change: &InvitationChange) -> InvitationFacts {
        let caller = change.actor.as_ref().map_or_else(CallerFacts::default, |actor| self.caller(actor));
        match &change.update {
            InvitationUpdate::Create { invitation, .. } => {
                let names = invitation.scopes.iter().map(|(scope, _)| scope);
                let unknown_scopes = names.filter(|scope| !self.scopes.contains_key(scope)).cloned().collect();
                InvitationFacts { caller, exists: false, unknown_scopes }
            }
            InvitationUpdate::Revoke(id) => {
                InvitationFacts { caller, exists: self.invitations.contains_key(id), unknown_scopes: Vec::new() }
            }
        }
    }
    pub(super) fn write_invitation(&mut self, write: InvitationWrite, now: Timestamp) {
        match write {
            InvitationWrite::Add(invitation) => {
                self.invitations.insert(invitation.id, invitation);
            }
            InvitationWrite::Remove(id) => {
                self.invitations.remove(&id);
            }
            InvitationWrite::Mail(job) => self.jobs.add(job, now),
        }
    }
}
