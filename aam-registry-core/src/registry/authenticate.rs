use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::Registry;
use crate::{
    error::{Error, Result},
    ports::{PublisherBySecret, PublisherHolder, QueryHandlerExt, TokenHolder},
    types::{
        AccountRole, AccountRoles, Credential, Principal, PublisherSecret, TokenPattern, TokenScope, TokenScopes,
        TokenSecret, TokenUse, User, Username, is_expired,
    },
};

/// How far the last use shown of a token may lag behind.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

impl Registry {
    /// Tells who a bearer token stands for: an API token (`aam_…`), a token of a
    /// trusted publisher (`aamp_…`) or the JWT of a login.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where it is malformed, forged, expired or
    /// revoked, or its user is gone or disabled.
    pub async fn authenticate(&self, bearer: &str) -> Result<Principal> {
        self.authenticate_at(None, bearer).await
    }

    async fn authenticate_at(&self, client: Option<IpAddr>, bearer: &str) -> Result<Principal> {
        if bearer.starts_with(TokenSecret::PREFIX) {
            self.authenticate_token(client, bearer).await
        } else if bearer.starts_with(PublisherSecret::PREFIX) {
            self.authenticate_publisher(bearer).await
        } else {
            self.authenticate_session(bearer).await
        }
    }

    /// The same for a client at the address `client`, which is recorded as that of the last use of an API token, and
    /// from which an administrator may not act as one where the policy says so.
    ///
    /// # Errors
    /// Those of [`authenticate`](Self::authenticate).
    pub async fn authenticate_from(&self, client: Option<IpAddr>, bearer: &str) -> Result<Principal> {
        let mut principal = self.authenticate_at(client, bearer).await?;
        if !self.policy().lets_administer_from(client) && principal.roles.contains(AccountRole::Admin) {
            principal.roles = principal.roles.without(AccountRoles::ADMIN);
            principal.is_outside_admin_networks = true;
        }
        Ok(principal)
    }

    async fn authenticate_token(&self, client: Option<IpAddr>, bearer: &str) -> Result<Principal> {
        // The checksum inside refuses look-alikes before the database is asked.
        let secret = TokenSecret::parse(bearer).ok_or_else(|| {
            Error::Unauthorized("This is not an API token of this registry; check that it was copied whole".into())
        })?;
        let now = self.now();
        let holder = self.inner().tokens.token_holder(&secret.digest(), now).await?;
        let TokenHolder { token, user } = holder.ok_or_else(|| {
            Error::Unauthorized("This API token is unknown, expired or revoked; create a new one".into())
        })?;
        let lags = |used: Timestamp| now.duration_since(used).unsigned_abs() >= TOUCH_EVERY;
        if token.last_used_at.is_none_or(lags) {
            self.inner().touches.note(TokenUse { token: token.id, at: now, from: client });
        }
        let needs_second_factor = self.needs_second_factor(&user);
        Ok(Principal {
            user: user.id,
            username: user.username,
            roles: usable_roles(user.roles, needs_second_factor),
            needs_second_factor,
            is_outside_admin_networks: false,
            credential: Credential::Token(token.id),
            scopes: token.scopes,
            packages: token.packages,
        })
    }

    async fn authenticate_publisher(&self, bearer: &str) -> Result<Principal> {
        let ended = || {
            Error::Unauthorized(
                "This token of a trusted publisher is unknown or has ended; swap a new ID token for another".into(),
            )
        };
        let secret = PublisherSecret::parse(bearer).ok_or_else(ended)?;
        let holder = self.inner().queries.ask(PublisherBySecret(secret.digest())).await?;
        let holder = holder.filter(|holder| !is_expired(Some(holder.token.expires_at), self.now()));
        let PublisherHolder { token, package, .. } = holder.ok_or_else(ended)?;
        Ok(Principal {
            user: Uuid::from(token.publisher).into(),
            username: Username::trusted_publisher(),
            roles: AccountRoles::NONE,
            needs_second_factor: false,
            is_outside_admin_networks: false,
            credential: Credential::Publisher { publisher: token.publisher, token: token.id, name: token.name },
            scopes: [TokenScope::Publish].into_iter().collect(),
            packages: vec![TokenPattern::parse(package.as_str()).map_err(Error::internal)?],
        })
    }

    async fn authenticate_session(&self, bearer: &str) -> Result<Principal> {
        let ended = || Error::Unauthorized("This session is not valid or has ended; log in again".into());
        let session = self.inner().sessions.verify(bearer, self.now()).ok_or_else(ended)?;
        let user = self.inner().users.session_user(session.user, &session.id, session.generation).await?;
        let user = user.ok_or_else(ended)?;
        self.inner().session_touches.note(user.id, &session.id, self.now());
        let needs_second_factor = self.needs_second_factor(&user);
        Ok(Principal {
            user: user.id,
            username: user.username,
            roles: usable_roles(user.roles, needs_second_factor),
            needs_second_factor,
            is_outside_admin_networks: false,
            credential: Credential::Session {
                id: session.id,
                generation: session.generation,
                expires_at: session.expires_at,
            },
            scopes: TokenScopes::all(),
            packages: Vec::new(),
        })
    }

    /// Whether a user is an administrator who may not act as one without a second factor.
    fn needs_second_factor(&self, user: &User) -> bool {
        user.is_admin() && !user.otp_enabled && self.policy().require_admin_2fa
    }

    /// Stores when, and from where, tokens were last used.
    pub(crate) async fn flush_token_touches(&self) -> Result<()> {
        let used = self.inner().touches.take();
        if used.is_empty() {
            return Ok(());
        }
        let stored = self.inner().tokens.touch_tokens(&used).await;
        if stored.is_err() {
            // Stored with the next ones.
            for one in used {
                self.inner().touches.note(one);
            }
        }
        stored
    }
}

/// The roles in which the user of an account may act: not that of an administrator while a second factor is wanting.
fn usable_roles(roles: AccountRoles, needs_second_factor: bool) -> AccountRoles {
    if needs_second_factor { roles.without(AccountRoles::ADMIN) } else { roles }
}
