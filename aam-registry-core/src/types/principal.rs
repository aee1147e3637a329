//! Who makes a request, and with what.

use jiff::Timestamp;

use crate::types::{TokenId, TokenPattern, TokenScope, TokenScopes, User, UserId, Username};

/// What a principal was authenticated by. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A login: a JWT with this id, that ends then.
    Session {
        /// The JWT's `jti`.
        id: String,
        /// The [generation](crate::ports::Session::generation) it is of.
        generation: u64,
        /// When the JWT expires.
        expires_at: Timestamp,
    },
    /// An API token.
    Token(TokenId),
    /// A command run by the operator on the server itself.
    Operator,
    /// A login that the host of the registry judges itself, by an
    /// [`Authenticator`](crate::ports::Authenticator) of its own. The registry
    /// keeps nothing of it and cannot end it; a transaction checks the user alone.
    Host,
}

/// The part of a principal that a transaction checks again: whoever acts must
/// still exist, not be disabled, and hold a credential that was not revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who acts.
    pub user: UserId,
    /// The name, for the audit log.
    pub username: Username,
    /// With what.
    pub credential: Credential,
    /// Whether the credential lets an administrator act as one.
    pub as_admin: bool,
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user's id.
    pub user: UserId,
    /// The user's name.
    pub username: Username,
    /// Whether the user is an administrator.
    pub is_admin: bool,
    /// With what the caller authenticated.
    pub credential: Credential,
    /// What the credential may be used for.
    pub scopes: TokenScopes,
    /// The packages the credential is restricted to; empty for all.
    pub packages: Vec<TokenPattern>,
}

impl Principal {
    /// The caller as whom the host of the registry authenticated `user`: with
    /// all the rights that the user has, administrators' included. The user is
    /// one that [`find_user`](crate::registry::Registry::find_user) found or
    /// [`create_user`](crate::registry::Registry::create_user) made.
    ///
    /// A host that lets fewer things be done sets [`scopes`](Self::scopes) and
    /// [`packages`](Self::packages). It may keep the value for as long as its
    /// session lasts, and should not for longer: whether the user is disabled
    /// or still an administrator is asked anew only by what changes something.
    pub fn of_host(user: &User) -> Self {
        Self {
            user: user.id,
            username: user.username.clone(),
            is_admin: user.is_admin,
            credential: Credential::Host,
            scopes: TokenScopes::all(),
            packages: Vec::new(),
        }
    }

    /// The caller as transactions check it.
    pub fn actor(&self) -> Actor {
        Actor {
            user: self.user,
            username: self.username.clone(),
            credential: self.credential.clone(),
            as_admin: self.acts_as_admin(),
        }
    }

    /// Whether the caller is an administrator and the credential says so too.
    pub fn acts_as_admin(&self) -> bool {
        self.is_admin && self.scopes.contains(TokenScope::Admin)
    }
}
