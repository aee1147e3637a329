use std::fmt::{self, Debug};

use jiff::Timestamp;

use super::{Action, CallerFacts, Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{
        AccountRole, AccountRoles, AccountState, Actor, AuditEvent, Credential, NewAuditEntry, NewJob, OneTimePurpose,
        OneTimeToken, SealedSecret, Sha256Digest, User, Username,
    },
};

/// A change of one account.
#[derive(Clone, Debug)]
pub struct AccountChange {
    /// Who changes it.
    pub by: AccountActor,
    /// The name of the account.
    pub username: Username,
    /// What is to change.
    pub update: AccountUpdate,
    /// The instant.
    pub now: Timestamp,
    /// The entries for the audit log, one for each thing that changes.
    pub audit: Vec<NewAuditEntry>,
}

/// Who changes an account.
#[derive(Clone, Debug)]
pub enum AccountActor {
    /// The user whose account it is.
    Itself(Actor),
    /// The operator, by a command on the server itself.
    Operator,
    /// An administrator, for somebody else.
    Admin(Actor),
    /// The registry itself, for somebody who asks without a credential.
    Registry,
    /// Whoever has the secret of the one-time token with this digest.
    Holder(Sha256Digest),
}

/// The most one-time tokens of one purpose that an account may have at a time, so that nobody's mailbox
/// is filled by strangers.
pub const MAX_ONE_TIME_TOKENS: u64 = 5;

/// What is to change of an account.
#[derive(Clone)]
pub enum AccountUpdate {
    /// Disabled, or not. To disable ends every session for good; API tokens
    /// are refused for as long as it lasts.
    Disabled(bool),
    /// With other roles. Roles in neither set stay as they are.
    Roles {
        /// The roles that it is to have.
        granted: AccountRoles,
        /// The roles that it is to have no more.
        revoked: AccountRoles,
    },
    /// Disabled or not, and with just these roles, at once.
    Managed {
        /// Whether it is to be disabled.
        disabled: bool,
        /// The roles that it is to have.
        roles: AccountRoles,
    },
    /// With another password, set by somebody else. Ends every session.
    Password {
        /// Its hash, in PHC string format.
        hash: String,
    },
    /// With another e-mail address or password, as its user says who knows the
    /// password. Ends every session but the one it is done with.
    Credentials {
        /// The hash that the password was found to be that of.
        known_hash: String,
        /// The address; `None` to keep it.
        email: Option<String>,
        /// The hash of the password; `None` to keep it.
        password_hash: Option<String>,
        /// The address before, sealed, which is told of the other one; `None` where nothing is sent there.
        address_before: Option<SealedSecret>,
    },
    /// With an e-mail address that is verified.
    EmailVerified,
    /// As it is, but with no other session than the one that this is done with.
    OtherSessionsEnded,
    /// With a one-time token more. Nothing changes for an account that is disabled or has
    /// [`MAX_ONE_TIME_TOKENS`] of the purpose.
    OneTimeToken(OneTimeToken),
    /// As it is; that somebody asks for a one-time token by mail is recorded, and so reaches who sends
    /// it. Nothing is recorded where none would be made.
    TokenRequest(OneTimePurpose),
}

impl Debug for AccountUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled(disabled) => f.debug_tuple("Disabled").field(disabled).finish(),
            Self::Roles { granted, revoked } => {
                f.debug_struct("Roles").field("granted", granted).field("revoked", revoked).finish()
            }
            Self::Managed { disabled, roles } => {
                f.debug_struct("Managed").field("disabled", disabled).field("roles", roles).finish()
            }
            Self::Password { .. } => f.write_str("Password"),
            Self::Credentials { .. } => f.write_str("Credentials"),
            Self::OtherSessionsEnded => f.write_str("OtherSessionsEnded"),
            Self::EmailVerified => f.write_str("EmailVerified"),
            Self::OneTimeToken(token) => f.debug_tuple("OneTimeToken").field(&token.purpose).finish(),
            Self::TokenRequest(purpose) => f.debug_tuple("TokenRequest").field(purpose).finish(),
        }
    }
}

/// What a change of an account is decided by.
#[derive(Clone, Debug, Default)]
pub struct AccountFacts {
    /// The account; `None` if it does not exist.
    pub account: Option<AccountState>,
    /// Who acts, where that is a [user](AccountChange::actor).
    pub caller: CallerFacts,
    /// The one-time token of the account that is [used](AccountActor::Holder); `None` where it has none.
    pub one_time: Option<OneTimeToken>,
    /// How many one-time tokens of the [purpose](AccountUpdate::token_purpose) the account has that have
    /// not expired. Asked for where that gives one.
    pub one_time_tokens: u64,
    /// Whether another account that is not disabled administers the registry.
    /// Asked for where [`AccountUpdate::may_end_an_admin`].
    pub has_other_admin: bool,
    /// Whether another account has the e-mail address that this one shall
    /// have. Asked for where [`AccountUpdate::email`] gives one.
    pub email_taken: bool,
}

/// An account after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedAccount {
    /// The account as it is now.
    pub user: User,
    /// Whether it was another one before.
    pub changed: bool,
}

impl AccountUpdate {
    /// Whether there may be one administrator less afterwards.
    pub fn may_end_an_admin(&self) -> bool {
        match self {
            Self::Disabled(disabled) => *disabled,
            Self::Roles { revoked, .. } => revoked.contains(AccountRole::Admin),
            Self::Managed { disabled, roles } => *disabled || !roles.contains(AccountRole::Admin),
            _ => false,
        }
    }

    fn is_verification(&self) -> bool {
        matches!(self, Self::EmailVerified)
    }

    fn address_before(&self) -> Option<&SealedSecret> {
        match self {
            Self::Credentials { address_before, .. } => address_before.as_ref(),
            _ => None,
        }
    }

    /// The action that a user takes who changes the own account so.
    pub fn own_action(&self) -> Action {
        match self {
            Self::OtherSessionsEnded => Action::EndSession,
            Self::TokenRequest(OneTimePurpose::EmailVerification) => Action::VerifyEmail,
            _ => Action::ChangeAccount,
        }
    }

    /// The actions that somebody takes who changes the account of somebody else so.
    pub fn actions_on_others(&self) -> &'static [Action] {
        match self {
            Self::Roles { .. } => &[Action::SetRoles],
            Self::Disabled(_) => &[Action::DisableAccount],
            Self::Managed { .. } => &[Action::SetRoles, Action::DisableAccount],
            _ => &[Action::ResetPassword],
        }
    }

    /// The e-mail address that the account shall have.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::Credentials { email, .. } => email.as_deref(),
            _ => None,
        }
    }

    /// The purpose of the one-time token that allows its holder to change the account so.
    fn allowing_purpose(&self) -> Option<OneTimePurpose> {
        match self {
            Self::Password { .. } => Some(OneTimePurpose::PasswordReset),
            Self::EmailVerified => Some(OneTimePurpose::EmailVerification),
            _ => None,
        }
    }

    /// The purpose of the one-time token that the account shall have.
    pub fn token_purpose(&self) -> Option<OneTimePurpose> {
        match self {
            Self::OneTimeToken(token) => Some(token.purpose),
            Self::TokenRequest(purpose) => Some(*purpose),
            _ => None,
        }
    }
}

impl AccountChange {
    /// What the account becomes, and the audit entries of that.
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::Unauthorized`] where the user whose
    /// account it is holds no live credential; [`Error::Forbidden`] to who is no
    /// administrator and changes the account of somebody else;
    /// [`Error::LastAdmin`] where no administrator would be left;
    /// [`Error::InvalidCredentials`] where the password is
    /// another one by now; [`Error::UserExists`] where the e-mail address is
    /// taken; [`Error::InvalidRequest`] where a one-time token does not work.
    pub fn decide(&self, facts: &AccountFacts) -> Result<Decision<'_, ChangedAccount>> {
        match &self.by {
            AccountActor::Itself(actor) => {
                facts.caller.require_self(actor, self.now, self.update.own_action())?;
            }
            AccountActor::Admin(actor) => {
                let rights = facts.caller.require_live(actor, self.now)?;
                self.update.actions_on_others().iter().try_for_each(|action| rights.require_everywhere(*action))?;
            }
            AccountActor::Operator | AccountActor::Registry | AccountActor::Holder(_) => {}
        }
        let before = facts.account.as_ref().ok_or_else(|| Error::UserNotFound(self.username.clone()))?;
        self.require_may(before, facts)?;
        let user = before.user.clone();
        if self.update.token_purpose().is_some() {
            return Ok(self.tokens(user, facts));
        }
        let Some(after) = self.changed(before, facts)? else {
            return Ok(Decision::unchanged(ChangedAccount { user, changed: false }));
        };
        let is_same_address = after.user.email == before.user.email;
        let recorded = |entry: &&NewAuditEntry| match entry.event {
            AuditEvent::UserEmailChange => !is_same_address,
            AuditEvent::UserRoleSet => after.user.roles != before.user.roles,
            AuditEvent::UserDisable | AuditEvent::UserEnable => after.user.disabled != before.user.disabled,
            _ => true,
        };
        let audit: Vec<_> = self.audit.iter().filter(recorded).cloned().collect();
        let answer = ChangedAccount { user: after.user.clone(), changed: true };
        // A token that was sent to the old address, or before the new password, works no more.
        let is_same_password = after.password_hash == before.password_hash;
        let ended = (after.session_generation != before.session_generation).then(|| after.kept_session.clone());
        let mut writes = vec![Write::UpdateAccount(after)];
        writes.extend(ended.map(|kept| Write::ForgetSessions { user: before.user.id, kept }));
        if !is_same_address || !is_same_password {
            writes.push(Write::EndOneTimeTokens { user: before.user.id, purpose: None });
        } else if self.update.is_verification() {
            let purpose = Some(OneTimePurpose::EmailVerification);
            writes.push(Write::EndOneTimeTokens { user: before.user.id, purpose });
        }
        let told = self.update.address_before().filter(|_| !is_same_address);
        let entry = audit.iter().find(|entry| entry.event == AuditEvent::UserEmailChange);
        writes.extend(told.zip(entry).map(|(address, entry)| Write::QueueJob(NewJob::mail_to(entry, address))));
        Ok(Decision { answer, changes: Changes { writes, audit, invalidates: None } })
    }

    /// The user who acts, where there is one.
    pub fn actor(&self) -> Option<&Actor> {
        match &self.by {
            AccountActor::Itself(actor) | AccountActor::Admin(actor) => Some(actor),
            AccountActor::Operator | AccountActor::Registry | AccountActor::Holder(_) => None,
        }
    }

    /// The digest of the one-time token that is used, where one is.
    pub fn used_token(&self) -> Option<&Sha256Digest> {
        match &self.by {
            AccountActor::Holder(digest) => Some(digest),
            _ => None,
        }
    }

    /// Requires that whoever acts may change this account so.
    fn require_may(&self, account: &AccountState, facts: &AccountFacts) -> Result<()> {
        let may = match (&self.by, &self.update) {
            (
                AccountActor::Itself(actor),
                AccountUpdate::Credentials { .. }
                | AccountUpdate::OtherSessionsEnded
                | AccountUpdate::TokenRequest(OneTimePurpose::EmailVerification),
            ) => actor.user == account.user.id,
            (AccountActor::Operator, _)
            | (
                AccountActor::Admin(_),
                AccountUpdate::OneTimeToken(_)
                | AccountUpdate::Roles { .. }
                | AccountUpdate::Disabled(_)
                | AccountUpdate::Managed { .. },
            ) => true,
            (AccountActor::Registry, update) => update.token_purpose().is_some(),
            (AccountActor::Holder(_), update) if update.allowing_purpose().is_some() => {
                let purpose = update.allowing_purpose();
                let works = |token: OneTimeToken| Some(token.purpose) == purpose && token.is_live(self.now);
                if account.user.disabled || !facts.one_time.is_some_and(works) {
                    return Err(Error::one_time_token_ended());
                }
                true
            }
            _ => false,
        };
        if may { Ok(()) } else { Err(Error::credential_ended()) }
    }

    /// What follows where a one-time token is made or asked for.
    fn tokens(&self, user: User, facts: &AccountFacts) -> Decision<'_, ChangedAccount> {
        let is_verified = user.email_verified && self.update.token_purpose() == Some(OneTimePurpose::EmailVerification);
        if user.disabled || is_verified || facts.one_time_tokens >= MAX_ONE_TIME_TOKENS {
            return Decision::unchanged(ChangedAccount { user, changed: false });
        }
        let writes = match &self.update {
            AccountUpdate::OneTimeToken(token) => vec![Write::AddOneTimeToken { user: user.id, token: *token }],
            _ => Vec::new(),
        };
        let changes = Changes { writes, audit: self.audit.clone(), invalidates: None };
        Decision { answer: ChangedAccount { user, changed: true }, changes }
    }

    /// What the account becomes; `None` where it is so already.
    fn changed(&self, before: &AccountState, facts: &AccountFacts) -> Result<Option<AccountState>> {
        let mut after = before.clone();
        match &self.update {
            AccountUpdate::Disabled(disabled) => {
                if *disabled {
                    self.require_other_admin(before, facts)?;
                    after.end_sessions(None);
                }
                if before.user.disabled == *disabled {
                    return Ok(None);
                }
                after.user.disabled = *disabled;
            }
            AccountUpdate::Roles { granted, revoked } => {
                after.user.roles = before.user.roles.without(*revoked).union(*granted);
                if after.user.roles == before.user.roles {
                    return Ok(None);
                }
                if !after.user.is_admin() {
                    self.require_other_admin(before, facts)?;
                }
            }
            AccountUpdate::Managed { disabled, roles } => {
                let part = |update| Self { update, ..self.clone() };
                let revoked = AccountRoles::all().without(*roles);
                let roles = part(AccountUpdate::Roles { granted: *roles, revoked }).changed(before, facts)?;
                let disabled =
                    part(AccountUpdate::Disabled(*disabled)).changed(roles.as_ref().unwrap_or(before), facts)?;
                return Ok(disabled.or(roles));
            }
            AccountUpdate::Password { hash } => {
                after.password_hash.clone_from(hash);
                after.end_sessions(None);
            }
            AccountUpdate::EmailVerified => {
                if before.user.email_verified {
                    return Ok(None);
                }
                after.user.email_verified = true;
            }
            AccountUpdate::OtherSessionsEnded => after.end_sessions(self.session()),
            AccountUpdate::OneTimeToken(_) | AccountUpdate::TokenRequest(_) => return Ok(None),
            AccountUpdate::Credentials { known_hash, email, password_hash, address_before: _ } => {
                if before.password_hash != *known_hash {
                    return Err(Error::InvalidCredentials);
                }
                let email = email.as_ref().filter(|email| **email != before.user.email);
                if email.is_none() && password_hash.is_none() {
                    return Ok(None);
                }
                if email.is_some() && facts.email_taken {
                    return Err(Error::UserExists(
                        "Another account has this e-mail address; use another address".into(),
                    ));
                }
                if let Some(email) = email {
                    after.user.email.clone_from(email);
                    after.user.email_verified = false;
                }
                if let Some(hash) = password_hash {
                    after.password_hash.clone_from(hash);
                }
                after.end_sessions(self.session());
            }
        }
        Ok(Some(after))
    }

    /// The session that the change is made with, which it leaves alive.
    fn session(&self) -> Option<&str> {
        match &self.by {
            AccountActor::Itself(Actor { credential: Credential::Session { id, .. }, .. }) => Some(id),
            _ => None,
        }
    }

    /// Requires that an administrator is left where this one ceases to be one.
    fn require_other_admin(&self, account: &AccountState, facts: &AccountFacts) -> Result<()> {
        if !account.user.administers() || facts.has_other_admin {
            return Ok(());
        }
        Err(Error::LastAdmin(self.username.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::UserId;

    /// The account after the change, and what was recorded; `None` where it is so already.
    fn decide(change: &AccountChange, facts: &AccountFacts) -> Result<Option<(AccountState, Vec<AuditEvent>)>> {
        let Changes { writes, audit, .. } = change.decide(facts)?.changes;
        let events = audit.iter().map(|entry| entry.event).collect();
        Ok(writes.into_iter().next().map(|write| match write {
            Write::UpdateAccount(after) => (after, events),
            other => panic!("{other:?}"),
        }))
    }

    fn change(update: AccountUpdate) -> AccountChange {
        let now = Timestamp::UNIX_EPOCH;
        let audit = [AuditEvent::UserEmailChange, AuditEvent::UserPasswordChange];
        AccountChange {
            by: AccountActor::Operator,
            username: "ada".parse().expect("a name"),
            update,
            now,
            audit: audit.map(|event| NewAuditEntry::new(event, now)).to_vec(),
        }
    }

    #[test]
    fn an_account_is_managed_whole_or_not_at_all() {
        let managed = |disabled, roles| {
            let events = [AuditEvent::UserRoleSet, AuditEvent::UserDisable];
            let entries = events.map(|event| NewAuditEntry::new(event, Timestamp::UNIX_EPOCH));
            AccountChange { audit: entries.to_vec(), ..change(AccountUpdate::Managed { disabled, roles }) }
        };
        let (approver, admin) = (AccountRoles::from(AccountRole::Approver), AccountRoles::ADMIN);
        let of = |roles, has_other_admin| {
            let mut facts = facts(true, false, has_other_admin);
            facts.account.as_mut().expect("an account").user.roles = roles;
            facts
        };
        let decided = decide(&managed(true, approver), &of(admin, true)).expect("decided");
        let (after, events) = decided.expect("a change");
        assert_eq!((after.user.roles, after.user.disabled), (approver, true));
        assert_eq!(events, [AuditEvent::UserRoleSet, AuditEvent::UserDisable]);
        let (after, events) = decide(&managed(false, approver), &of(admin, true)).expect("decided").expect("a change");
        assert_eq!((after.user.disabled, events), (false, vec![AuditEvent::UserRoleSet]));
        for (disabled, roles) in [(true, admin), (false, approver), (true, approver)] {
            let refused = decide(&managed(disabled, roles), &of(admin, false)).expect_err("the last administrator");
            assert_eq!(refused.code(), crate::ErrorCode::LastOwner);
        }
        assert!(decide(&managed(false, admin), &of(admin, false)).expect("decided").is_none(), "it is so already");
    }

    fn set_admin(admin: bool) -> AccountUpdate {
        let (some, none) = (AccountRoles::ADMIN, AccountRoles::NONE);
        let (granted, revoked) = if admin { (some, none) } else { (none, some) };
        AccountUpdate::Roles { granted, revoked }
    }

    fn facts(is_admin: bool, disabled: bool, has_other_admin: bool) -> AccountFacts {
        let roles = if is_admin { AccountRoles::ADMIN } else { AccountRoles::NONE };
        let user = User {
            id: UserId::generate(),
            username: "ada".parse().expect("a name"),
            email: "ada@example.com".into(),
            email_verified: true,
            otp_enabled: false,
            roles,
            disabled,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let account = AccountState { user, password_hash: "old".into(), session_generation: 3, kept_session: None };
        AccountFacts { account: Some(account), has_other_admin, ..AccountFacts::default() }
    }

    #[test]
    fn the_last_administrator_stays_one() {
        for update in [AccountUpdate::Disabled(true), set_admin(false)] {
            let decide = |facts| super::tests::decide(&change(update.clone()), &facts).map(|changed| changed.is_some());
            let refused = decide(facts(true, false, false)).expect_err("the last one");
            assert!(refused.to_string().contains("the last administrator"), "{refused}");
            assert!(decide(facts(true, false, true)).expect("another one is left"));
            decide(facts(true, true, false)).expect("a disabled one administers nothing");
            decide(facts(false, false, false)).expect("no administrator");
        }
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        for (update, is_admin, disabled) in [
            (AccountUpdate::Disabled(true), false, true),
            (AccountUpdate::Disabled(false), false, false),
            (set_admin(true), true, false),
            (set_admin(false), false, false),
        ] {
            let facts = facts(is_admin, disabled, true);
            assert!(decide(&change(update), &facts).expect("allowed").is_none());
        }
    }

    #[test]
    fn sessions_end_but_with_a_change_of_role_or_an_end_of_disabling() {
        let own = AccountUpdate::Credentials {
            known_hash: "old".into(),
            email: Some("ada@example.org".into()),
            password_hash: None,
            address_before: None,
        };
        for (update, disabled, generation) in [
            (AccountUpdate::Disabled(true), false, 4),
            (AccountUpdate::Disabled(false), true, 3),
            (set_admin(true), false, 3),
            (AccountUpdate::Password { hash: "new".into() }, false, 4),
            (own, false, 4),
        ] {
            let changed = decide(&change(update.clone()), &facts(false, disabled, true)).expect("allowed");
            let (after, _) = changed.unwrap_or_else(|| panic!("{update:?} changes something"));
            assert_eq!(after.session_generation, generation, "{update:?}");
        }
    }

    #[test]
    fn an_address_that_stays_is_not_recorded() {
        let own = |known_hash: &str, email: &str, hash: Option<&str>| {
            let update = AccountUpdate::Credentials {
                known_hash: known_hash.into(),
                email: Some(email.into()),
                password_hash: hash.map(Into::into),
                address_before: None,
            };
            let decided = decide(&change(update), &facts(false, false, true))?;
            Ok::<_, Error>(decided.map(|(_, events)| events))
        };
        let both = [AuditEvent::UserEmailChange, AuditEvent::UserPasswordChange];
        assert_eq!(own("old", "ada@example.org", Some("new")).expect("allowed").as_deref(), Some(&both[..]));
        assert_eq!(own("old", "ada@example.com", Some("new")).expect("allowed").as_deref(), Some(&both[1..]));
        assert_eq!(own("old", "ada@example.com", None).expect("allowed"), None);
        assert!(matches!(own("older", "ada@example.org", None), Err(Error::InvalidCredentials)));
    }
}
