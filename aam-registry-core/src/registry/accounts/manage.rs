use crate::{
    decide::{
        AccountActor, AccountChange, AccountUpdate, Action, ChangedAccount, RevokedTokens, Rights, TokenRevocation,
    },
    error::{Error, Result},
    ports::CommandHandlerExt,
    registry::Registry,
    types::{
        AccountFilter, AccountRole, AccountRoles, Actor, AuditEvent, Credential, NewAuditEntry, PackageName, Principal,
        ScopeName, ScopeRole, Sight, Token, User, Username,
    },
};

/// Who the audit log says acted where the operator ran a command on the
/// server itself. No user can have this name.
pub const OPERATOR: &str = "operator:command-line";

/// All that an operator may want to know of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDescription {
    /// The account.
    pub user: User,
    /// The scopes it is a member of, with the role, by name.
    pub scopes: Vec<(ScopeName, ScopeRole)>,
    /// The packages it owns, itself or through a scope, by name.
    pub packages: Vec<PackageName>,
    /// Its live API tokens, newest first.
    pub tokens: Vec<Token>,
}

/// What the operator does to accounts and tokens: never for clients.
impl Registry {
    /// Accounts by username.
    pub async fn accounts(&self, filter: &AccountFilter) -> Result<Vec<User>> {
        self.inner().accounts.accounts(filter).await
    }

    /// An account with its scopes, packages and tokens.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn describe_account(&self, username: &Username) -> Result<AccountDescription> {
        let missing = || Error::UserNotFound(username.clone());
        let inner = self.inner();
        let user = inner.users.login(username.as_str()).await?.ok_or_else(missing)?.user;
        let scopes = inner.scopes.scopes_of(user.id, usize::MAX).await?;
        let packages = inner.users.profile(username, &Sight::unrestricted()).await?.ok_or_else(missing)?.packages;
        let actor = Actor {
            user: user.id,
            username: user.username.clone(),
            credential: Credential::Operator,
            roles: AccountRoles::NONE,
        };
        let tokens = inner.tokens.tokens(&actor, self.now()).await?;
        Ok(AccountDescription { user, scopes, packages, tokens })
    }

    /// Shuts an account out, or lets it in again. To shut out ends its
    /// sessions for good, and its API tokens for as long as it lasts; its
    /// packages stay.
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::LastAdmin`].
    pub async fn set_disabled(&self, username: &Username, disabled: bool) -> Result<ChangedAccount> {
        let event = if disabled { AuditEvent::UserDisable } else { AuditEvent::UserEnable };
        let audit = self.managed(event, username);
        self.manage(AccountActor::Operator, username, AccountUpdate::Disabled(disabled), audit).await
    }

    /// Gives an account a role, or takes it away.
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::LastAdmin`].
    pub async fn set_role(&self, username: &Username, role: AccountRole, granted: bool) -> Result<ChangedAccount> {
        let (one, none) = (AccountRoles::from(role), AccountRoles::NONE);
        let (granted_roles, revoked) = if granted { (one, none) } else { (none, one) };
        let update = AccountUpdate::Roles { granted: granted_roles, revoked };
        let audit = self.managed(AuditEvent::UserRoleSet, username);
        let audit = audit.with("role", role.as_str()).with("granted", granted);
        self.manage(AccountActor::Operator, username, update, audit).await
    }

    /// Gives an account another password, and ends its sessions. Its API
    /// tokens go on.
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::InvalidRequest`] for a password that
    /// is not good enough.
    pub async fn reset_password(&self, username: &Username, wanted: String) -> Result<ChangedAccount> {
        let known = self.inner().users.login(username.as_str()).await?;
        let user = known.ok_or_else(|| Error::UserNotFound(username.clone()))?.user;
        let hash = self.checked_hash(&user, wanted).await?;
        let audit = self.managed(AuditEvent::UserPasswordReset, username);
        self.manage(AccountActor::Operator, username, AccountUpdate::Password { hash }, audit).await
    }

    /// Revokes API tokens; gives how many of them were alive.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`] where there never was a token of that id,
    /// [`Error::UserNotFound`].
    pub async fn revoke_tokens(&self, tokens: RevokedTokens) -> Result<u64> {
        let now = self.now();
        let mut audit = NewAuditEntry::new(AuditEvent::TokenRevoke, now).with_actor(OPERATOR);
        audit = match &tokens {
            RevokedTokens::Id(id) => audit.with("token", id.to_string()),
            RevokedTokens::Of(username) => audit.with("user", username.as_str()),
            RevokedTokens::All => audit.with("all", true),
        };
        let revoked = self.inner().commands.execute(&TokenRevocation { tokens, now, audit }).await?;
        tracing::info!(event = "tokens_revoked", by = OPERATOR, count = revoked, "API tokens revoked");
        Ok(revoked)
    }

    fn managed(&self, event: AuditEvent, username: &Username) -> NewAuditEntry {
        NewAuditEntry::new(event, self.now()).with_actor(OPERATOR).with("user", username.as_str())
    }

    async fn manage(
        &self,
        by: AccountActor,
        username: &Username,
        update: AccountUpdate,
        audit: NewAuditEntry,
    ) -> Result<ChangedAccount> {
        let (event, actor) = (audit.event.as_str(), audit.actor.clone().unwrap_or_default());
        let change = AccountChange { by, username: username.clone(), update, now: audit.timestamp, audit: vec![audit] };
        let changed = self.inner().commands.execute(&change).await?;
        if changed.changed {
            tracing::info!(event = "account_managed", user = %username, by = %actor, what = event, "account changed");
        }
        Ok(changed)
    }
}

/// What administrators do to the accounts of others.
impl Registry {
    /// Gives an account just these roles; gives the account. In force everywhere within a second.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who is no administrator; [`Error::UserNotFound`]; [`Error::LastAdmin`].
    pub async fn set_roles(&self, by: &Principal, username: &Username, roles: AccountRoles) -> Result<ChangedAccount> {
        Action::SetRoles.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_everywhere(Action::SetRoles)?;
        let revoked = AccountRoles::all().without(roles);
        let audit = self.entry_by(AuditEvent::UserRoleSet, by).with("user", username.as_str());
        let audit = audit.with("roles", roles.names());
        let update = AccountUpdate::Roles { granted: roles, revoked };
        self.manage(AccountActor::Admin(by.actor()), username, update, audit).await
    }
}
