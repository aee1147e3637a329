//! What administrators do with the accounts of others.

use super::{OPERATOR, password};
use crate::{
    decide::{AccountActor, AccountChange, AccountUpdate, Action, DeleteAccount, Rights},
    error::Result,
    ports::CommandHandlerExt,
    registry::Registry,
    types::{
        AccountFilter, AccountRole, AccountRoles, AuditEvent, NewAuditEntry, Page, PageRequest, Principal, User,
        Username,
    },
};

/// How many accounts are read at a time.
const BATCH: usize = 500;

/// Which accounts an administrator looks for.
#[derive(Clone, Debug)]
pub struct AccountSearch {
    /// Part of the username or of the e-mail address, in any case; `None` for any.
    pub text: Option<String>,
    /// Only accounts with this role.
    pub role: Option<AccountRole>,
    /// Only disabled accounts, or only others.
    pub disabled: Option<bool>,
    /// The page.
    pub page: PageRequest,
}

/// What an administrator changes of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ManagedAccountChange {
    /// Disabled, or not; `None` to keep it.
    pub disabled: Option<bool>,
    /// The roles that it is to have; `None` to keep them.
    pub roles: Option<AccountRoles>,
}

impl Registry {
    /// Accounts by username, with their addresses.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden) to who is neither administrator nor auditor.
    pub async fn find_accounts(&self, by: &Principal, search: &AccountSearch) -> Result<Page<User>> {
        Action::ListAccounts.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_everywhere(Action::ListAccounts)?;
        let text = search.text.as_ref().map(|text| text.to_lowercase());
        let is_meant = |user: &User| {
            let has =
                |text: &String| user.username.as_str().contains(&**text) || user.email.to_lowercase().contains(&**text);
            text.as_ref().is_none_or(has)
        };
        let mut filter = AccountFilter { role: search.role, disabled: search.disabled, after: None, limit: BATCH };
        let (request, first) = (search.page, search.page.offset());
        let is_in_page = |place: u64| place.checked_sub(first).is_some_and(|place| place < request.limit);
        // There may be many, so only those of the page are kept.
        let (mut items, mut total) = (Vec::new(), 0);
        loop {
            let batch = self.accounts(&filter).await?;
            let is_last = batch.len() < BATCH;
            filter.after = batch.last().map(|user| user.username.clone());
            for user in batch.into_iter().filter(is_meant) {
                if is_in_page(total) {
                    items.push(user);
                }
                total += 1;
            }
            if is_last {
                return Ok(Page { items, total, request });
            }
        }
    }

    /// Disables or enables an account, or gives it other roles; gives the account. In force everywhere within a
    /// second.
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden) to who is no administrator;
    /// [`Error::UserNotFound`](crate::Error::UserNotFound); [`Error::LastAdmin`](crate::Error::LastAdmin).
    pub async fn manage_account(
        &self,
        by: &Principal,
        username: &Username,
        change: ManagedAccountChange,
    ) -> Result<User> {
        let update = match (change.disabled, change.roles) {
            (Some(disabled), Some(roles)) => AccountUpdate::Managed { disabled, roles },
            (Some(disabled), None) => AccountUpdate::Disabled(disabled),
            (None, Some(roles)) => return Ok(self.set_roles(by, username, roles).await?.user),
            (None, None) => {
                return Err(crate::Error::invalid_request("Give `disabled` or `roles`: what the account is to be"));
            }
        };
        for action in update.actions_on_others() {
            action.require_credential(by, None)?;
            Rights::of_account(by.acting_roles()).require_everywhere(*action)?;
        }
        let entry = |event| self.entry_by(event, by).with("user", username.as_str());
        let roles = change.roles.map(|roles| entry(AuditEvent::UserRoleSet).with("roles", roles.names()));
        let disabled = change
            .disabled
            .map(|disabled| entry(if disabled { AuditEvent::UserDisable } else { AuditEvent::UserEnable }));
        let change = AccountChange {
            by: AccountActor::Admin(by.actor()),
            username: username.clone(),
            update,
            now: self.now(),
            audit: roles.into_iter().chain(disabled).collect(),
        };
        let changed = self.inner().commands.execute(&change).await?;
        if changed.changed {
            let what: Vec<_> = change.audit.iter().map(|entry| entry.event.as_str()).collect();
            let (by, what) = (&by.username, what.join(", "));
            tracing::info!(event = "account_managed", user = %username, by = %by, what, "account changed");
        }
        Ok(changed.user)
    }

    /// Deletes the account of somebody else; see [`delete_own_account`](Self::delete_own_account).
    ///
    /// # Errors
    /// [`Error::Forbidden`](crate::Error::Forbidden) to who is no administrator;
    /// [`Error::UserNotFound`](crate::Error::UserNotFound); [`Error::LastAdmin`](crate::Error::LastAdmin);
    /// [`Error::NeedsHeirs`](crate::Error::NeedsHeirs).
    pub async fn delete_account(&self, by: &Principal, username: &Username) -> Result<()> {
        Action::DeleteAccount.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_everywhere(Action::DeleteAccount)?;
        let audit = self.entry_by(AuditEvent::UserDelete, by).with("user", username.as_str());
        self.erase(AccountActor::Admin(by.actor()), username, audit).await
    }

    /// The same for the operator, never for clients.
    ///
    /// # Errors
    /// [`Error::UserNotFound`](crate::Error::UserNotFound); [`Error::LastAdmin`](crate::Error::LastAdmin);
    /// [`Error::NeedsHeirs`](crate::Error::NeedsHeirs).
    pub async fn delete_account_as_operator(&self, username: &Username) -> Result<()> {
        let audit = NewAuditEntry::new(AuditEvent::UserDelete, self.now());
        let audit = audit.with_actor(OPERATOR).with("user", username.as_str());
        self.erase(AccountActor::Operator, username, audit).await
    }

    pub(super) async fn erase(&self, by: AccountActor, username: &Username, audit: NewAuditEntry) -> Result<()> {
        // Nobody knows the password, so it matches nothing.
        let password_hash = self.inner().passwords.hash(password::unknown()).await?;
        let delete = DeleteAccount { by, username: username.clone(), password_hash, now: audit.timestamp, audit };
        let id = self.inner().commands.execute(&delete).await?;
        tracing::info!(event = "user_deleted", user_id = %id, "account deleted");
        Ok(())
    }
}
