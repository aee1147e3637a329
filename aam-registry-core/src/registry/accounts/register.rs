use std::{collections::BTreeSet, fmt, sync::Arc};

use super::{email, password, pending_registration::PendingRegistration};
use crate::{
    decide::{NewUser, NewUserFacts, UsedInvitation},
    error::{Detail, Error, Result},
    ports::CommandHandlerExt,
    registry::{RegistrationPolicy, Registry, reserved},
    types::{
        AccountRole, AccountRoles, AuditEvent, Invitation, NewAuditEntry, ScopeName, Sight, User, UserId, Username,
    },
};

/// An account somebody asks for, as it was typed.
#[derive(Clone)]
pub struct Registration {
    /// The username wanted.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// The password, at least 12 characters and not a common one.
    pub password: String,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("username", &self.username).finish_non_exhaustive()
    }
}

/// An account that the operator or the host makes for somebody.
#[derive(Clone)]
pub struct NewAccount {
    /// The username.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// The password, at least 12 characters and not a common one; `None` for
    /// an account that nobody logs in to by password, such as one whose users
    /// the host authenticates by itself.
    pub password: Option<String>,
    /// What it is in the whole registry. Only an administrator may have a
    /// reserved name such as `admin`.
    pub roles: AccountRoles,
}

impl NewAccount {
    fn is_admin(&self) -> bool {
        self.roles.contains(AccountRole::Admin)
    }
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount")
            .field("username", &self.username)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

impl Registry {
    /// Makes an account and the scope of its name.
    ///
    /// Where the registry [verifies registrations](Self::verifies_registrations), the account is made only once
    /// [the link](Self::verify_email) is opened that is mailed to the address; until then nobody logs in to it and its
    /// name is free. So neither the answer nor a login afterwards tells whether the address is known: where it is, the
    /// mail goes to the user of that account, and says so.
    ///
    /// # Errors
    /// [`Error::RegistrationClosed`], [`Error::InvitationRequired`]; [`Error::InvalidRequest`] with every
    /// fault, [`Error::NameReserved`], [`Error::UserExists`].
    pub async fn register(&self, registration: Registration) -> Result<User> {
        self.register_with(registration, None).await
    }

    /// The same with the secret of an invitation, or the link that ends with it. It works once; the account gets the
    /// roles and memberships of the invitation.
    ///
    /// # Errors
    /// Those of [`register`](Self::register), and [`Error::InvitationInvalid`].
    pub async fn register_with(&self, registration: Registration, invitation: Option<&str>) -> Result<User> {
        let invitation = match (self.policy().registration, invitation) {
            (RegistrationPolicy::Closed, _) => return Err(Error::RegistrationClosed),
            (RegistrationPolicy::Invite, None) => return Err(Error::InvitationRequired),
            (_, None) => None,
            (_, Some(secret)) => Some(self.usable_invitation(secret, &registration.email).await?),
        };
        self.make_account(registration.into(), AuditEvent::UserRegister, None, invitation).await
    }

    /// Makes an account for somebody, whatever the policy says of
    /// registration: for the operator and for the host that embeds the
    /// registry, never for clients. `by` is who the audit log says made it.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] with every fault, [`Error::NameReserved`],
    /// [`Error::UserExists`].
    pub async fn create_user(&self, account: NewAccount, by: &str) -> Result<User> {
        let user = self.make_account(account, AuditEvent::UserRegister, Some(by), None).await?;
        tracing::info!(event = "user_created", user = %user.username, user_id = %user.id, by, "user created");
        Ok(user)
    }

    /// Makes an administrator's account: for the operator, never for clients.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] with every fault, [`Error::UserExists`].
    pub async fn create_admin(&self, registration: Registration) -> Result<User> {
        let account = NewAccount { roles: AccountRoles::ADMIN, ..registration.into() };
        let user = self.make_account(account, AuditEvent::AdminCreate, None, None).await?;
        tracing::info!(event = "admin_created", user = %user.username, user_id = %user.id, "administrator created");
        Ok(user)
    }

    /// Whether there is any administrator.
    pub async fn has_admin(&self) -> Result<bool> {
        self.inner().users.has_admin().await
    }

    async fn make_account(
        &self,
        account: NewAccount,
        event: AuditEvent,
        by: Option<&str>,
        invitation: Option<Invitation>,
    ) -> Result<User> {
        // Guessing at a long password takes milliseconds.
        let reserved = Arc::clone(&self.policy().reserved_names);
        let checked = tokio::task::spawn_blocking(move || check(&account, &reserved).map(|name| (name, account)));
        let (username, account) = checked.await.map_err(Error::internal)??;
        let verifies = by.is_none() && event == AuditEvent::UserRegister && self.verifies_registrations();
        if by.is_none() && !account.is_admin() {
            self.require_unlike_scopes(username.as_str()).await?;
        }
        self.require_free(&username, &account.email, verifies).await?;
        let password_hash = self.inner().passwords.hash(account.password.unwrap_or_else(password::unknown)).await?;
        let now = self.now();
        let mut audit = NewAuditEntry::new(event, now).with_actor(by.unwrap_or(username.as_str()));
        if by.is_some() {
            audit = audit.with("user", username.as_str()).with("roles", account.roles.names());
        }
        let user = User {
            id: UserId::generate(),
            username,
            email: account.email,
            roles: account.roles,
            email_verified: false,
            otp_enabled: false,
            disabled: false,
            created_at: now,
        };
        if verifies {
            let invitation = invitation.map(|invitation| invitation.digest);
            let pending = PendingRegistration { user, password_hash, invitation };
            self.queue_registration(&pending).await?;
            return Ok(pending.user);
        }
        let invitation = invitation.map(|invitation| UsedInvitation::new(&invitation, &user.username, now));
        if let Some(used) = &invitation {
            audit = audit.with("invitation", used.id.to_string());
        }
        let new = NewUser { user, password_hash, audit, invitation };
        self.inner().commands.execute(&new).await?;
        if by.is_none() && event == AuditEvent::UserRegister {
            let User { username, id, .. } = &new.user;
            tracing::info!(event = "user_registered", user = %username, user_id = %id, "user registered");
        }
        Ok(new.user)
    }
}

impl Registry {
    /// Refuses a name or an e-mail address that is taken before the password is hashed, which is costly. The answer
    /// tells no more by coming early: it says itself what is taken. What is taken meanwhile the database refuses.
    ///
    /// With `verifies`, the address is not even looked up, so that the time does not tell.
    async fn require_free(&self, username: &Username, email: &str, verifies: bool) -> Result<()> {
        // Every user has the scope of their name.
        let name_taken = self.inner().scopes.scope(&ScopeName::from(username), &Sight::default()).await?.is_some();
        let email_taken = !verifies && self.inner().users.login(email).await?.is_some();
        NewUserFacts { name_taken, email_taken, invitation: None }.require_free(username)
    }
}

impl From<Registration> for NewAccount {
    fn from(registration: Registration) -> Self {
        let Registration { username, email, password } = registration;
        Self { username, email, password: Some(password), roles: AccountRoles::NONE }
    }
}

/// The username, where everything is well; else every fault. How easy a
/// password is to guess is the costly question, and asked of none that is too
/// short or too long.
fn check(account: &NewAccount, reserved: &BTreeSet<String>) -> Result<Username> {
    let mut details = Vec::new();
    let username = account.username.parse::<Username>();
    match &username {
        Ok(username) if username.is_erased() => {
            details.push(Detail::new("username", "is reserved for accounts that were deleted"));
        }
        Ok(_) => {}
        Err(error) => details.push(Detail::new("username", error.to_string())),
    }
    let reserved = if account.is_admin() { Ok(()) } else { reserved::check_scope(&account.username, reserved) };
    details.extend(email::fault(&account.email));
    let password = account.password.as_deref();
    details.extend(password.and_then(|password| password::fault(password, &account.username, &account.email)));
    match (username, reserved) {
        (Ok(username), Ok(())) if details.is_empty() => Ok(username),
        (Ok(_), Err(reserved)) if details.is_empty() => Err(reserved),
        (username, reserved) => {
            if let (Ok(_), Err(reserved)) = (username, reserved) {
                details.insert(0, Detail::new("username", reserved.to_string()));
            }
            let fields = details.iter().map(|detail| &*detail.field).collect::<Vec<_>>().join(", ");
            Err(Error::InvalidRequest { message: format!("The account cannot be made: {fields} not valid"), details })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_at_once() {
        let registration = Registration { username: "A".into(), email: "nobody".into(), password: "short".into() };
        let error = check(&registration.into(), &BTreeSet::new()).expect_err("three faults");
        let fields: Vec<_> = error.details().into_iter().map(|detail| detail.field).collect();
        assert_eq!(fields, ["username", "email", "password"]);
        let registration = Registration { username: "admin".into(), email: "nobody".into(), password: "short".into() };
        let details = check(&registration.into(), &BTreeSet::new()).expect_err("three faults").details();
        let fields: Vec<_> = details.iter().map(|detail| &*detail.field).collect();
        assert_eq!(fields, ["username", "email", "password"]);
        assert!(details[0].error.contains("reserved"), "{details:?}");
    }
}
