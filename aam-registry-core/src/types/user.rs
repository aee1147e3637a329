//! Users and scopes.

use jiff::Timestamp;

use crate::types::{AccountRole, AccountRoles, PackageName, ScopeName, ScopeRole, Username, id::id};

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
    /// Whether its user has shown that mail to that address arrives.
    pub email_verified: bool,
    /// Whether its logins need a second factor.
    pub otp_enabled: bool,
    /// What it is in the whole registry.
    pub roles: AccountRoles,
    /// Whether it is disabled: its credentials are refused.
    pub disabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The public facts about a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserProfile {
    /// The name.
    pub username: Username,
    /// When the account was created.
    pub created_at: Timestamp,
    /// The packages the user owns or whose scope the user owns, by name: the first
    /// [`MAX_PACKAGES`](Self::MAX_PACKAGES).
    pub packages: Vec<PackageName>,
    /// Whether the user owns more packages.
    pub has_more_packages: bool,
}

impl UserProfile {
    /// The most packages that are listed.
    pub const MAX_PACKAGES: usize = 1_000;

    /// The profile with the first of these `packages`, which are in order.
    pub fn new(username: Username, created_at: Timestamp, mut packages: Vec<PackageName>) -> Self {
        let has_more_packages = packages.len() > Self::MAX_PACKAGES;
        packages.truncate(Self::MAX_PACKAGES);
        Self { username, created_at, packages, has_more_packages }
    }
}

impl User {
    /// Whether the account has the role of an administrator.
    pub fn is_admin(&self) -> bool {
        self.roles.contains(AccountRole::Admin)
    }

    /// Whether the user administers the registry: an account that is disabled does not.
    pub fn administers(&self) -> bool {
        self.is_admin() && !self.disabled
    }
}

/// A member of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeMember {
    /// The user.
    pub username: Username,
    /// The user's role.
    pub role: ScopeRole,
}

/// A scope with its members and collaborators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name, without `@`.
    pub name: ScopeName,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it demands a second factor of those who change something in it. Not for everybody to see: see
    /// [`View::sees_policy_of`](crate::registry::View::sees_policy_of).
    pub require_2fa: bool,
    /// Its members, by name.
    pub members: Vec<ScopeMember>,
    /// Users who own single packages in it, whether or not they are members, by package and name: the
    /// first [`MAX_COLLABORATORS`](Self::MAX_COLLABORATORS).
    pub collaborators: Vec<Collaborator>,
    /// Whether there are more collaborators.
    pub has_more_collaborators: bool,
}

impl Scope {
    /// The most collaborators that are listed.
    pub const MAX_COLLABORATORS: usize = 100;
}

/// An owner who was added to one package of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collaborator {
    /// The user.
    pub username: Username,
    /// The package that the user owns.
    pub package: PackageName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_lists_as_many_packages_as_it_may_and_tells_of_more() {
        let packages = |count: usize| (0..count).map(|at| format!("kit-{at:04}").parse().expect("a name")).collect();
        let of = |count| UserProfile::new("ada".parse().expect("a name"), Timestamp::UNIX_EPOCH, packages(count));
        let (all, more) = (of(UserProfile::MAX_PACKAGES), of(UserProfile::MAX_PACKAGES + 1));
        assert_eq!((all.packages.len(), all.has_more_packages), (UserProfile::MAX_PACKAGES, false));
        assert_eq!((&more.packages, more.has_more_packages), (&all.packages, true));
    }
}
