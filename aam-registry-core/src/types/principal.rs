//! Who makes a request, and the credential.

use jiff::Timestamp;

use crate::types::{AccountRole, AccountRoles, TokenId, TokenPattern, TokenScopes, User, UserId, Username};

/// The credential of a principal. Not a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A login session: a JWT with this id, which expires at that time.
    Session {
        /// The JWT's `jti`.
        id: String,
        /// The [generation](crate::ports::Session::generation) of the session.
        generation: u64,
        /// When the JWT expires.
        expires_at: Timestamp,
    },
    /// An API token.
    Token(TokenId),
    /// A command run by the operator on the server itself.
    Operator,
    /// A login that the host of the registry checks itself, with an
    /// [`Authenticator`](crate::ports::Authenticator) of its own. The registry stores nothing about it
    /// and cannot end it; transactions check only the user.
    Host,
}

/// The part of a principal that a transaction checks again: the user must exist and not be disabled,
/// and the credential must not be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The acting user.
    pub user: UserId,
    /// The name, for the audit log.
    pub username: Username,
    /// The credential.
    pub credential: Credential,
    /// The roles in which the credential lets the user act, if the account has them.
    pub roles: AccountRoles,
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user's id.
    pub user: UserId,
    /// The user's name.
    pub username: Username,
    /// The roles of the user's account in which the user may act.
    pub roles: AccountRoles,
    /// Whether the user is an administrator who may not act as one without a second factor.
    pub needs_second_factor: bool,
    /// The credential of the caller.
    pub credential: Credential,
    /// What the credential may be used for.
    pub scopes: TokenScopes,
    /// The packages the credential is restricted to; empty for all.
    pub packages: Vec<TokenPattern>,
}

impl Principal {
    /// The principal for `user`, whom the host of the registry has authenticated, with all the user's
    /// rights, including those of the roles of the account. The user comes from
    /// [`find_user`](crate::registry::Registry::find_user) or
    /// [`create_user`](crate::registry::Registry::create_user).
    ///
    /// A host that wants to allow less sets [`scopes`](Self::scopes) and [`packages`](Self::packages).
    /// It may keep the value as long as its session lasts, but not longer: only changes check again
    /// whether the user is disabled and which roles the account still has.
    pub fn of_host(user: &User) -> Self {
        Self {
            user: user.id,
            username: user.username.clone(),
            roles: user.roles,
            needs_second_factor: false,
            credential: Credential::Host,
            scopes: TokenScopes::all(),
            packages: Vec::new(),
        }
    }

    /// The actor for transactions to check.
    pub fn actor(&self) -> Actor {
        Actor {
            user: self.user,
            username: self.username.clone(),
            credential: self.credential.clone(),
            roles: self.acting_roles(),
        }
    }

    /// The roles of the account in which the credential allows acting.
    pub fn acting_roles(&self) -> AccountRoles {
        self.roles.iter().filter(|role| self.scopes.contains(role.token_scope())).collect()
    }

    /// Whether the caller has the role and the credential allows acting in it.
    pub fn acts_as(&self, role: AccountRole) -> bool {
        self.roles.contains(role) && self.scopes.contains(role.token_scope())
    }

    /// Whether the caller is an administrator and the credential allows acting as one.
    pub fn acts_as_admin(&self) -> bool {
        self.acts_as(AccountRole::Admin)
    }
}
