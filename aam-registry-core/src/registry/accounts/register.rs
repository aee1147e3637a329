use std::fmt;

use super::password;
use crate::{
    error::{Detail, Error, Result},
    ports::NewUser,
    registry::{RegistrationPolicy, Registry, reserved},
    types::{AuditEvent, NewAuditEntry, User, UserId, Username},
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

impl Registry {
    /// Makes an account and the scope of its name.
    ///
    /// # Errors
    /// [`Error::RegistrationClosed`], [`Error::InvalidRequest`] with every
    /// fault, [`Error::NameReserved`], [`Error::UserExists`].
    pub async fn register(&self, registration: Registration) -> Result<User> {
        if self.policy().registration == RegistrationPolicy::Closed {
            return Err(Error::RegistrationClosed);
        }
        let user = self.create_user(registration, AuditEvent::UserRegister).await?;
        tracing::info!(event = "user_registered", user = %user.username, user_id = %user.id, "user registered");
        Ok(user)
    }

    /// Makes an administrator's account: for the operator, never for clients.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] with every fault, [`Error::UserExists`].
    pub async fn create_admin(&self, registration: Registration) -> Result<User> {
        let user = self.create_user(registration, AuditEvent::AdminCreate).await?;
        tracing::info!(event = "admin_created", user = %user.username, user_id = %user.id, "administrator created");
        Ok(user)
    }

    /// Whether there is any administrator.
    pub async fn has_admin(&self) -> Result<bool> {
        self.inner().users.has_admin().await
    }

    async fn create_user(&self, registration: Registration, event: AuditEvent) -> Result<User> {
        let is_admin = event == AuditEvent::AdminCreate;
        // Guessing at a long password takes milliseconds.
        let checked = tokio::task::spawn_blocking(move || check(&registration).map(|name| (name, registration)));
        let (username, registration) = checked.await.map_err(Error::internal)??;
        if !is_admin {
            reserved::check_scope(username.as_str())?;
        }
        let password_hash = self.inner().passwords.hash(registration.password).await?;
        let now = self.now();
        let audit = NewAuditEntry::new(event, now).with_actor(username.as_str());
        let user = User {
            id: UserId::generate(),
            username,
            email: registration.email,
            is_admin,
            disabled: false,
            created_at: now,
        };
        let new = NewUser { user, password_hash, audit };
        self.inner().users.create_user(&new).await?;
        Ok(new.user)
    }
}

/// The username, where everything is well; else every fault.
fn check(registration: &Registration) -> Result<Username> {
    let mut details = Vec::new();
    let username = registration.username.parse::<Username>();
    if let Err(error) = &username {
        details.push(Detail::new("username", error.to_string()));
    }
    if !is_email(&registration.email) {
        details.push(Detail::new("email", "is not an e-mail address"));
    }
    let local = registration.email.split('@').next().unwrap_or_default();
    if let Some(fault) = password::fault(&registration.password, &[&registration.username, &registration.email, local])
    {
        details.push(Detail::new("password", fault));
    }
    match username {
        Ok(username) if details.is_empty() => Ok(username),
        _ => Err(Error::InvalidRequest {
            message: format!(
                "The account cannot be made: {}",
                details.iter().map(|detail| &*detail.field).collect::<Vec<_>>().join(", ")
            ) + " not valid",
            details,
        }),
    }
}

/// Whether `text` has the shape of an address that mail can be sent to: who
/// it reaches, only a mail can tell.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let printable =
        text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"@<>()[],;:\\\"".contains(c) || c == '@');
    let labels = |text: &str| !text.is_empty() && text.split('.').all(|label| !label.is_empty());
    text.len() <= 254 && local.len() <= 64 && printable && !local.contains('@') && labels(local) && labels(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_at_once() {
        let registration = Registration { username: "A".into(), email: "nobody".into(), password: "short".into() };
        let error = check(&registration).expect_err("three faults");
        let fields: Vec<_> = error.details().into_iter().map(|detail| detail.field).collect();
        assert_eq!(fields, ["username", "email", "password"]);
    }

    #[test]
    fn e_mail_addresses_have_a_shape() {
        for good in ["ada@example.com", "a.b+c@mail.example.org", "root@localhost"] {
            assert!(is_email(good), "{good} was refused");
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c.d",
            "a@b@c",
            "a@b..c",
            "a@b\r\nBcc: x",
            "<a@b.c>",
            &format!("{}@b.c", "a".repeat(65)),
        ] {
            assert!(!is_email(bad), "{bad:?} passed");
        }
    }
}
