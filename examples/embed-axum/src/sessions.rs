//! The application's own users and sessions, which the registry accepts too.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use aam_registry_core::{
    Error, Result,
    ports::Authenticator,
    registry::{NewAccount, Registry},
    types::{AccountRoles, Principal, User, Username},
};
use async_trait::async_trait;
use axum::http::{Extensions, HeaderMap, header, request::Parts};

/// The cookie that holds the secret of a session.
const COOKIE: &str = "host_session";

/// The users of the application, each with a password.
const PEOPLE: [(&str, &str); 2] = [("ada", "the password of ada"), ("grace", "the password of grace")];

/// The active sessions, by their secret.
pub(crate) struct Sessions {
    registry: Registry,
    users: Mutex<HashMap<String, User>>,
}

// Printing a secret would allow whoever reads it to use the session.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Sessions {
    pub(crate) fn new(registry: Registry) -> Self {
        Self { registry, users: Mutex::default() }
    }

    /// Begins a session and returns the cookie to set; `None` if the name or password is wrong.
    pub(crate) async fn log_in(&self, name: &str, password: &str) -> Result<Option<String>> {
        if !PEOPLE.contains(&(name, password)) {
            return Ok(None);
        }
        let user = self.user(name).await?;
        let secret = format!("{:032x}", rand::random::<u128>());
        self.users.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.clone(), user);
        // The registry's API accepts the cookie too, so browsers must not send it with requests from
        // other sites.
        Ok(Some(format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict")))
    }

    /// The registry's user with that name, created when the person logs in for the first time.
    async fn user(&self, name: &str) -> Result<User> {
        let username: Username = name.parse()?;
        if let Some(user) = self.registry.find_user(&username).await? {
            return Ok(user);
        }
        let email = format!("{name}@example.com");
        let account = NewAccount { username: name.to_owned(), email, password: None, roles: AccountRoles::NONE };
        self.registry.create_user(account, "the application").await
    }
}

#[async_trait]
impl Authenticator for Sessions {
    fn credential<'r>(&self, headers: &'r HeaderMap, _: &'r Extensions) -> Option<&'r [u8]> {
        secret(headers).map(str::as_bytes)
    }

    async fn authenticate(&self, request: &Parts) -> Result<Principal> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let user = secret(&request.headers).and_then(|secret| users.get(secret));
        let ended = || Error::Unauthorized("Your session has ended; log in again".to_owned());
        user.map(Principal::of_host).ok_or_else(ended)
    }
}

/// The secret in the session's cookie.
fn secret(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE).then_some(value))
}
