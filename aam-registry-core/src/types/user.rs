//! Users and scopes.

use jiff::Timestamp;

use crate::types::{PackageName, ScopeName, ScopeRole, Username, id::id};

id! {
    /// Identifies a user.
    UserId
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub username: Username,
    /// Its e-mail address, as given.
    pub email: String,
    /// Whether it administers the registry.
    pub is_admin: bool,
    /// Whether it is shut out; its credentials are refused.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What everybody may know of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserProfile {
    /// The name.
    pub username: Username,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The packages the user owns or whose scope the user owns, by name.
    pub packages: Vec<PackageName>,
}

/// A member of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeMember {
    /// Who.
    pub username: Username,
    /// As what.
    pub role: ScopeRole,
}

/// A scope with its members, and who else publishes in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name, without `@`.
    pub name: ScopeName,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its members, by name.
    pub members: Vec<ScopeMember>,
    /// Who owns single packages in it, whether or not a member, by package and
    /// name: the first [`MAX_COLLABORATORS`](Self::MAX_COLLABORATORS).
    pub collaborators: Vec<Collaborator>,
    /// Whether there are more.
    pub has_more_collaborators: bool,
}

impl Scope {
    /// How many collaborators are listed at most.
    pub const MAX_COLLABORATORS: usize = 100;
}

/// An owner who was added to one package of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collaborator {
    /// Who.
    pub username: Username,
    /// Of which package.
    pub package: PackageName,
}
