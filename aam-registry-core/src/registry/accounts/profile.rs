use crate::{
    decide::{Action, Rights},
    error::{Error, Result},
    registry::{Registry, View},
    types::{Principal, ScopeName, ScopeRole, User, UserProfile, Username},
};

/// An account as its own user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub user: User,
    /// The scopes it is a member of, with the role, by name: the first [`MAX_SCOPES`](Self::MAX_SCOPES).
    pub scopes: Vec<(ScopeName, ScopeRole)>,
    /// Whether it is a member of more scopes.
    pub has_more_scopes: bool,
}

impl Account {
    /// The most scopes that are listed.
    pub const MAX_SCOPES: usize = 1_000;
}

impl Registry {
    /// The caller's own account.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where it is gone.
    pub async fn account(&self, by: &Principal) -> Result<Account> {
        Action::ReadAccount.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_self(Action::ReadAccount)?;
        let user = self.inner().users.user(by.user).await?;
        let user = user.ok_or_else(Error::credential_ended)?;
        let mut scopes = self.inner().scopes.scopes_of(by.user, Account::MAX_SCOPES + 1).await?;
        let has_more_scopes = scopes.len() > Account::MAX_SCOPES;
        scopes.truncate(Account::MAX_SCOPES);
        Ok(Account { user, scopes, has_more_scopes })
    }

    /// The account of that name, for the host that embeds the registry: to make
    /// a [`Principal::of_host`] of it.
    pub async fn find_user(&self, username: &Username) -> Result<Option<User>> {
        Ok(self.inner().users.login(username.as_str()).await?.map(|login| login.user))
    }
}

impl View<'_> {
    /// What the viewer may know of a user.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn profile(&self, username: &Username) -> Result<UserProfile> {
        if username.is_erased() {
            return Err(Error::UserNotFound(username.clone()));
        }
        self.inner()
            .users
            .profile(username, &self.sight().await?)
            .await?
            .ok_or_else(|| Error::UserNotFound(username.clone()))
    }
}
