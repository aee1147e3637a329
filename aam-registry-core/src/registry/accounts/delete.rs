use std::net::IpAddr;

use super::Guesser;
use crate::{
    decide::{AccountActor, Action},
    error::{Error, Result},
    registry::Registry,
    types::{AuditEvent, Principal},
};

/// The deletion of the own account, as it was typed.
#[derive(Clone, Default)]
pub struct OwnAccountDeletion {
    /// The current password.
    pub current_password: String,
    /// A code of the second factor, for accounts that have one.
    pub otp: Option<String>,
    /// The address of the client, if it is known. It is recorded if the password is wrong.
    pub client: Option<IpAddr>,
}

impl std::fmt::Debug for OwnAccountDeletion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnAccountDeletion").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Registry {
    /// Deletes the caller's account: name, e-mail address and credentials are erased, memberships and ownership end.
    /// The name stays reserved. Packages go to their other owners, or stay with their scope; whoever is the last
    /// owner of something names another one first.
    ///
    /// Wrong passwords and codes are limited as those of a [login](Self::login_from).
    ///
    /// # Errors
    /// [`Error::InvalidCredentials`], [`Error::OtpRequired`], [`Error::OtpInvalid`], [`Error::RateLimited`];
    /// [`Error::NeedsHeirs`]; [`Error::LastAdmin`]; [`Error::Forbidden`] with a token that lacks the scope `admin` or
    /// is restricted to packages.
    pub async fn delete_own_account(&self, by: &Principal, deletion: OwnAccountDeletion) -> Result<()> {
        self.delete_own_account_as(Guesser::at(deletion.client), by, deletion).await
    }

    pub(crate) async fn delete_own_account_as(
        &self,
        guesser: Guesser,
        by: &Principal,
        deletion: OwnAccountDeletion,
    ) -> Result<()> {
        let (by, login) = (by.clone(), by.username.clone());
        let guess = async move |registry: Self| registry.check_and_delete(&by, deletion).await;
        self.limit_guesses(guesser, login.as_str(), guess).await
    }

    async fn check_and_delete(&self, by: &Principal, deletion: OwnAccountDeletion) -> Result<()> {
        Action::DeleteOwnAccount.require_credential(by, None)?;
        let known = self.inner().users.login(by.username.as_str()).await?;
        let known = known.filter(|known| known.user.id == by.user).ok_or_else(Error::credential_ended)?;
        self.require_password(&known, deletion.current_password, deletion.client).await?;
        self.require_second_factor(&known.user, deletion.otp.as_deref()).await?;
        let audit = self.entry_by(AuditEvent::UserDelete, by).with("user", by.username.as_str());
        self.erase(AccountActor::Itself(by.actor()), &by.username, audit).await
    }
}
