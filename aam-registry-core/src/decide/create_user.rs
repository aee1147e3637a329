use std::fmt::{self, Debug};

use jiff::Timestamp;

use super::{Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{
        AuditEvent, Change, Invitation, InvitationId, NewAuditEntry, ScopeName, ScopeRole, Sha256Digest, User, Username,
    },
};

/// An account to make.
#[derive(Clone)]
pub struct NewUser {
    /// The account.
    pub user: User,
    /// The hash of its password, in PHC string format.
    pub password_hash: String,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
    /// The invitation that it is made with.
    pub invitation: Option<UsedInvitation>,
}

/// An invitation that an account is made with.
#[derive(Clone, Debug)]
pub struct UsedInvitation {
    /// Its id.
    pub id: InvitationId,
    /// The digest of its secret.
    pub digest: Sha256Digest,
    /// The entries for the audit log about the memberships that it gives, one for each scope.
    pub memberships: Vec<NewAuditEntry>,
}

impl UsedInvitation {
    /// `invitation`, with which `username` makes an account at `now`.
    pub fn new(invitation: &Invitation, username: &Username, now: Timestamp) -> Self {
        let Invitation { id, digest, scopes, .. } = invitation;
        let joins = |(scope, role): &(ScopeName, ScopeRole)| {
            let entry = NewAuditEntry::new(AuditEvent::ScopeMemberSet, now).with_actor(username.as_str());
            let entry = entry.with("scope", scope.as_str()).with("member", username.as_str());
            entry.with("role", role.as_str()).with("invitation", id.to_string())
        };
        Self { id: *id, digest: *digest, memberships: scopes.iter().map(joins).collect() }
    }
}

impl Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What the making of an account is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewUserFacts {
    /// Whether a user or a scope has the name.
    pub name_taken: bool,
    /// Whether a user has the e-mail address, in any case.
    pub email_taken: bool,
    /// The invitation, if there is one.
    pub invitation: Option<Invitation>,
}

impl NewUserFacts {
    /// Requires that nobody has the name or the e-mail address.
    ///
    /// # Errors
    /// [`Error::UserExists`].
    pub fn require_free(&self, username: &Username) -> Result<()> {
        if self.name_taken {
            return Err(Error::UserExists(format!("The name {username} is taken; choose another")));
        }
        if self.email_taken {
            return Err(Error::UserExists(
                "There is an account with this e-mail address; log in, or use another address".into(),
            ));
        }
        Ok(())
    }
}

impl NewUser {
    /// Makes an account and the scope of its name, which it owns.
    ///
    /// # Errors
    /// [`Error::UserExists`]; [`Error::InvitationInvalid`] if the invitation was used meanwhile, or is none.
    pub fn decide(&self, facts: &NewUserFacts) -> Result<Decision<'_, ()>> {
        let mut user = self.user.clone();
        facts.require_free(&user.username)?;
        let admits = |invitation: &&Invitation| invitation.admits(&user.email, self.audit.timestamp);
        let known = facts.invitation.as_ref().filter(admits);
        let used = match &self.invitation {
            Some(used) => Some((known.ok_or(Error::InvitationInvalid)?, used)),
            None => None,
        };
        if let Some((invitation, _)) = used {
            user.roles = user.roles.union(invitation.roles.iter().copied().collect());
        }
        let id = user.id;
        let mut audit = vec![self.audit.clone()];
        let mut writes = vec![Write::CreateUser { user, password_hash: self.password_hash.clone() }];
        if let Some((invitation, used)) = used {
            writes.push(Write::RemoveInvitation(invitation.id));
            let member = |(scope, role): &(ScopeName, ScopeRole)| Write::SetMember {
                scope: scope.clone(),
                user: id,
                role: Some(*role),
            };
            writes.extend(invitation.scopes.iter().map(member));
            audit.extend(used.memberships.iter().cloned());
        }
        let user = &self.user;
        let changes = Changes { writes, audit, invalidates: Some(Change::Scope(ScopeName::from(&user.username))) };
        Ok(Decision { answer: (), changes })
    }
}
