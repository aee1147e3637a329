//! Who makes a request, and the credential.

use jiff::Timestamp;

use crate::types::{
    AccountRole, AccountRoles, PublisherId, PublisherTokenId, TokenId, TokenPattern, TokenScopes, User, UserId,
    Username,
};

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
    /// A token of a trusted publisher, which is no user.
    Publisher {
        /// The trusted publisher.
        publisher: PublisherId,
        /// Its token.
        token: PublisherTokenId,
        /// What the audit log calls it: `trusted-publisher:<issuer>:<subject>`.
        name: String,
    },
    /// A command run by the operator on the server itself.
    Operator,
    /// A login that the host of the registry checks itself, with an
    /// [`Authenticator`](crate::ports::Authenticator) of its own. The registry stores nothing about it
    /// and cannot end it; transactions check only the user.
    Host,
}

impl Credential {
    /// The name of the trusted publisher whose token it is.
    pub fn publisher_name(&self) -> Option<&str> {
        match self {
            Self::Publisher { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl Actor {
    /// What the audit log calls the actor: the username, or the name of a trusted publisher.
    pub fn name(&self) -> &str {
        self.credential.publisher_name().unwrap_or_else(|| self.username.as_str())
    }

    /// Whether a trusted publisher acts, who is no user.
    pub fn is_publisher(&self) -> bool {
        self.credential.publisher_name().is_some()
    }
}

/// The part of a principal that a transaction checks again: the user must exist and not be disabled,
/// and the credential must not be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The acting user. A trusted publisher has the id of its entry, which is no user's.
    pub user: UserId,
    /// The user's name. A trusted publisher has [`Username::trusted_publisher`].
    pub username: Username,
    /// The credential.
    pub credential: Credential,
    /// The roles in which the credential lets the user act, if the account has them.
    pub roles: AccountRoles,
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The user's id. A trusted publisher has the id of its entry, which is no user's.
    pub user: UserId,
    /// The user's name. A trusted publisher has [`Username::trusted_publisher`].
    pub username: Username,
    /// The roles of the user's account in which the user may act.
    pub roles: AccountRoles,
    /// Whether the user is an administrator who may not act as one without a second factor.
    pub needs_second_factor: bool,
    /// Whether the user is an administrator who may act as one only from other networks.
    pub is_outside_admin_networks: bool,
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
            is_outside_admin_networks: false,
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

    /// What the audit log calls the caller: the username, or the name of a trusted publisher.
    pub fn name(&self) -> &str {
        self.credential.publisher_name().unwrap_or_else(|| self.username.as_str())
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
