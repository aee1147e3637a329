//! The deletion of an account.

use jiff::Timestamp;

use super::{AccountActor, Action, CallerFacts, Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{AccountRoles, AccountState, Actor, Change, NewAuditEntry, UserId, Username},
};

/// An account to delete.
#[derive(Clone, Debug)]
pub struct DeleteAccount {
    /// Who deletes it: its user, an administrator or the operator.
    pub by: AccountActor,
    /// Its name.
    pub username: Username,
    /// A hash that no password has.
    pub password_hash: String,
    /// The instant.
    pub now: Timestamp,
    /// The entry for the audit log; the decision adds the id of the account.
    pub audit: NewAuditEntry,
}

/// What the deletion of an account is decided by.
#[derive(Clone, Debug, Default)]
pub struct DeleteAccountFacts {
    /// The account; `None` if it does not exist.
    pub account: Option<AccountState>,
    /// Who acts, where that is a [user](DeleteAccount::actor).
    pub caller: CallerFacts,
    /// Whether another account that is not disabled administers the registry.
    pub has_other_admin: bool,
    /// What would have no owner: unscoped packages by name, and scopes as `@name` that have packages or other
    /// members.
    pub ownerless: Vec<String>,
}

impl DeleteAccount {
    /// The user who acts, where there is one.
    pub fn actor(&self) -> Option<&Actor> {
        match &self.by {
            AccountActor::Itself(actor) | AccountActor::Admin(actor) => Some(actor),
            AccountActor::Operator | AccountActor::Registry | AccountActor::Holder(_) => None,
        }
    }

    /// Erases name, address and credentials of the account, and its memberships. Its name stays reserved, since the
    /// scope of that name stays. Gives whose it was.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`]; [`Error::UserNotFound`]; [`Error::LastAdmin`];
    /// [`Error::NeedsHeirs`].
    pub fn decide(&self, facts: &DeleteAccountFacts) -> Result<Decision<'_, UserId>> {
        match &self.by {
            AccountActor::Itself(actor) => {
                facts.caller.require_self(actor, self.now, Action::DeleteOwnAccount)?;
            }
            AccountActor::Admin(actor) => {
                facts.caller.require_live(actor, self.now)?.require_everywhere(Action::DeleteAccount)?;
            }
            AccountActor::Operator => {}
            AccountActor::Registry | AccountActor::Holder(_) => return Err(Error::credential_ended()),
        }
        let before = facts.account.as_ref().filter(|account| !account.user.username.is_erased());
        let before = before.ok_or_else(|| Error::UserNotFound(self.username.clone()))?;
        if let AccountActor::Itself(actor) = &self.by
            && actor.user != before.user.id
        {
            return Err(Error::credential_ended());
        }
        if before.user.administers() && !facts.has_other_admin {
            return Err(Error::LastAdmin(self.username.clone()));
        }
        if !facts.ownerless.is_empty() {
            return Err(Error::NeedsHeirs { user: self.username.clone(), ownerless: facts.ownerless.clone() });
        }
        let id = before.user.id;
        let mut after = before.clone();
        after.user.username = Username::erased(id);
        after.user.email = format!("{}@deleted.invalid", after.user.username);
        after.user.email_verified = false;
        after.user.otp_enabled = false;
        after.user.roles = AccountRoles::NONE;
        after.user.disabled = true;
        after.password_hash.clone_from(&self.password_hash);
        after.end_sessions(None);
        let writes = vec![Write::EraseAccount { user: id, at: self.now }, Write::UpdateAccount(after)];
        let audit = vec![self.audit.clone().with("id", id.to_string())];
        // Its packages and scopes show their owners.
        Ok(Decision { answer: id, changes: Changes { writes, audit, invalidates: Some(Change::Everything) } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{AuditEvent, User};

    fn facts(roles: AccountRoles, ownerless: &[&str]) -> DeleteAccountFacts {
        let user = User {
            id: UserId::generate(),
            username: "ada".parse().expect("a name"),
            email: "ada@example.com".into(),
            email_verified: true,
            otp_enabled: true,
            roles,
            disabled: false,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let account = AccountState {
            user,
            password_hash: "hash".into(),
            session_generation: 3,
            kept_session: Some("one".into()),
        };
        let ownerless = ownerless.iter().map(|name| (*name).to_owned()).collect();
        DeleteAccountFacts { account: Some(account), ownerless, ..DeleteAccountFacts::default() }
    }

    fn delete() -> DeleteAccount {
        let now = Timestamp::UNIX_EPOCH;
        DeleteAccount {
            by: AccountActor::Operator,
            username: "ada".parse().expect("a name"),
            password_hash: "none".into(),
            now,
            audit: NewAuditEntry::new(AuditEvent::UserDelete, now),
        }
    }

    #[test]
    fn nothing_of_the_person_stays() {
        let (delete, facts) = (delete(), facts(AccountRoles::NONE, &[]));
        let decided = delete.decide(&facts).expect("deleted");
        let Some(Write::UpdateAccount(after)) = decided.changes.writes.get(1) else { panic!("{decided:?}") };
        let told = format!("{:?}", after.user);
        assert!(!told.contains("ada") && after.user.username.is_erased() && after.user.disabled, "{told}");
        assert_eq!((&*after.password_hash, after.session_generation, &after.kept_session), ("none", 4, &None));
    }

    #[test]
    fn the_last_administrator_and_the_last_owner_stay() {
        let refused = |facts| delete().decide(&facts).map(drop).expect_err("refused");
        assert!(matches!(refused(facts(AccountRoles::ADMIN, &[])), Error::LastAdmin(_)));
        let refusal = refused(facts(AccountRoles::NONE, &["kit", "@team"]));
        assert_eq!(refusal.details().len(), 2);
        assert!(matches!(refused(DeleteAccountFacts::default()), Error::UserNotFound(_)));
        let other = DeleteAccountFacts { has_other_admin: true, ..facts(AccountRoles::ADMIN, &[]) };
        assert!(delete().decide(&other).is_ok());
    }
}
