//! Invitations to make an account.

use std::time::Duration;

use jiff::Timestamp;

use crate::types::{AccountRole, ScopeName, ScopeRole, Sha256Digest, id::id};

id! {
    /// Identifies an invitation; not a secret.
    InvitationId
}

/// An invitation to make an account, without its secret. It is deleted once it is used or revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The digest of its secret.
    pub digest: Sha256Digest,
    /// The e-mail address that the account has to have; `None` for any.
    pub email: Option<String>,
    /// The roles that the account gets.
    pub roles: Vec<AccountRole>,
    /// The scopes that the account becomes a member of.
    pub scopes: Vec<(ScopeName, ScopeRole)>,
    /// Who made it.
    pub invited_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// How long an invitation works.
    pub const LIFETIME: Duration = Duration::from_hours(7 * 24);
    /// The most scopes of one invitation.
    pub const MAX_SCOPES: usize = 50;

    /// Whether an account with that e-mail address may be made with it at `now`.
    pub fn admits(&self, email: &str, now: Timestamp) -> bool {
        let is_meant = self.email.as_ref().is_none_or(|meant| meant.to_lowercase() == email.to_lowercase());
        is_meant && self.expires_at > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_for_its_address_and_its_time() {
        let now = Timestamp::UNIX_EPOCH;
        let invitation = |email: Option<&str>| Invitation {
            id: InvitationId::generate(),
            digest: Sha256Digest::of(b"secret"),
            email: email.map(str::to_owned),
            roles: Vec::new(),
            scopes: Vec::new(),
            invited_by: "root".into(),
            created_at: now,
            expires_at: now + Invitation::LIFETIME,
        };
        assert!(invitation(None).admits("ada@example.com", now));
        assert!(invitation(Some("Ada@example.com")).admits("ada@EXAMPLE.com", now));
        assert!(!invitation(Some("bob@example.com")).admits("ada@example.com", now));
        assert!(!invitation(None).admits("ada@example.com", now + Invitation::LIFETIME));
    }
}
