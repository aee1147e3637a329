use std::{fmt, net::IpAddr};

use super::{Account, Guesser, email, password};
use crate::{
    decide::{AccountActor, AccountChange, AccountUpdate, Action},
    error::{Detail, Error, Result},
    ports::CommandHandlerExt,
    registry::Registry,
    types::{AuditEvent, Principal},
};

/// The changes that a user makes to the own account.
#[derive(Clone, Default)]
pub struct OwnAccountChange {
    /// The current password.
    pub current_password: String,
    /// The new e-mail address; `None` to keep the current one.
    pub email: Option<String>,
    /// The address of the client, if it is known. It is recorded if the current password is wrong.
    pub client: Option<IpAddr>,
    /// The new password, which has at least 12 characters and is not a common one; `None` to keep the
    /// current one.
    pub password: Option<String>,
}

impl fmt::Debug for OwnAccountChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnAccountChange")
            .field("email", &self.email.is_some())
            .field("password", &self.password.is_some())
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// Changes the caller's e-mail address or password. It ends the caller's other sessions; API tokens
    /// stay valid.
    ///
    /// Wrong passwords are limited as those of a [login](Self::login_from).
    ///
    /// # Errors
    /// [`Error::RateLimited`] after too many wrong passwords;
    /// [`Error::InvalidRequest`] with every fault;
    /// [`Error::InvalidCredentials`] if the current password is wrong;
    /// [`Error::UserExists`] if the address is taken;
    /// [`Error::Forbidden`] with a token that lacks the scope `admin` or is
    /// restricted to packages.
    pub async fn change_own_account(&self, by: &Principal, change: OwnAccountChange) -> Result<Account> {
        self.change_own_account_as(Guesser::at(change.client), by, change).await
    }

    pub(crate) async fn change_own_account_as(
        &self,
        guesser: Guesser,
        by: &Principal,
        change: OwnAccountChange,
    ) -> Result<Account> {
        let by = by.clone();
        let login = by.username.clone();
        let guess = async move |registry: Self| registry.check_and_change(&by, change).await;
        self.limit_guesses(guesser, login.as_str(), guess).await
    }

    async fn check_and_change(&self, by: &Principal, change: OwnAccountChange) -> Result<Account> {
        Action::ChangeAccount.require_credential(by, None)?;
        if change.email.is_none() && change.password.is_none() {
            return Err(Error::invalid_request("Give `email` or `password`: what the account shall have from now on"));
        }
        let known = self.inner().users.login(by.username.as_str()).await?;
        let known = known.filter(|known| known.user.id == by.user).ok_or_else(Error::credential_ended)?;
        let user = known.user.clone();
        // Guessing at a long password takes milliseconds.
        let checked = tokio::task::spawn_blocking(move || {
            let address = change.email.as_deref().unwrap_or(&user.email);
            let mut details: Vec<Detail> = change.email.as_deref().and_then(email::fault).into_iter().collect();
            let wanted = change.password.as_deref();
            details.extend(wanted.and_then(|wanted| password::fault(wanted, user.username.as_str(), address)));
            if details.is_empty() {
                return Ok(change);
            }
            Err(Error::InvalidRequest {
                message: "The account cannot be changed as asked; see the details".into(),
                details,
            })
        });
        let change = checked.await.map_err(Error::internal)??;
        self.require_password(&known, change.current_password, change.client).await?;

        let password_hash = match change.password {
            Some(password) => Some(self.inner().passwords.hash(password).await?),
            None => None,
        };
        let mut audit = Vec::new();
        if change.email.is_some() {
            audit.push(self.entry_by(AuditEvent::UserEmailChange, by));
        }
        if password_hash.is_some() {
            audit.push(self.entry_by(AuditEvent::UserPasswordChange, by));
        }
        let made = AccountChange {
            by: AccountActor::Itself(by.actor()),
            username: by.username.clone(),
            update: AccountUpdate::Credentials {
                address_before: self.sealed_address(&known.user)?,
                known_hash: known.password_hash,
                email: change.email,
                password_hash,
            },
            now: self.now(),
            audit,
        };
        let changed = self.inner().commands.execute(&made).await?;
        if changed.changed {
            tracing::info!(event = "account_changed", user = %by.username, user_id = %by.user, "account changed");
        }
        self.account(by).await
    }
}
