//! What an account is in the whole registry.

use std::fmt;

use crate::types::TokenScope;

/// A role of an account in the whole registry. No role includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AccountRole {
    /// Administers the registry: accounts, roles, settings.
    Admin,
    /// Approves and rejects versions.
    Approver,
    /// Quarantines versions and handles reports.
    Moderator,
    /// Reads the audit log and everything that an administrator reads, and changes nothing.
    Auditor,
}

impl AccountRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Approver, Self::Moderator, Self::Auditor];

    /// The role as text: `admin`, `approver`, `moderator` or `auditor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Approver => "approver",
            Self::Moderator => "moderator",
            Self::Auditor => "auditor",
        }
    }

    /// Reads the role's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The role with its article, as a sentence names who has it: `an administrator`.
    pub fn described(self) -> &'static str {
        match self {
            Self::Admin => "an administrator",
            Self::Approver => "an approver",
            Self::Moderator => "a moderator",
            Self::Auditor => "an auditor",
        }
    }

    /// The scope that a token has to have for its user to act in this role.
    pub fn token_scope(self) -> TokenScope {
        match self {
            Self::Admin | Self::Auditor => TokenScope::Admin,
            Self::Approver => TokenScope::Approve,
            Self::Moderator => TokenScope::Moderate,
        }
    }
}

/// A set of roles of an account.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AccountRoles(u8);

impl AccountRoles {
    /// No role.
    pub const NONE: Self = Self(0);
    /// The role of an administrator alone.
    pub const ADMIN: Self = Self::NONE.with(AccountRole::Admin);

    /// Every role.
    pub fn all() -> Self {
        AccountRole::ALL.into_iter().collect()
    }

    /// The set with `role` in it.
    #[must_use]
    pub const fn with(self, role: AccountRole) -> Self {
        Self(self.0 | 1 << role as u8)
    }

    /// The roles that are in this set and not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The roles that are in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The roles that are in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether `role` is in the set.
    pub fn contains(self, role: AccountRole) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// Whether there is no role in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles, in the order of [`AccountRole::ALL`].
    pub fn iter(self) -> impl Iterator<Item = AccountRole> {
        AccountRole::ALL.into_iter().filter(move |role| self.contains(*role))
    }

    /// The roles as text, in the order of [`AccountRole::ALL`].
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(AccountRole::as_str).collect()
    }
}

impl FromIterator<AccountRole> for AccountRoles {
    fn from_iter<I: IntoIterator<Item = AccountRole>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<AccountRole> for AccountRoles {
    fn from(role: AccountRole) -> Self {
        Self::NONE.with(role)
    }
}

impl fmt::Debug for AccountRoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_just_its_roles() {
        for role in AccountRole::ALL {
            assert_eq!(AccountRole::parse(role.as_str()), Some(role));
            let alone = AccountRoles::from(role);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [role]);
            assert_eq!(AccountRoles::all().without(alone).union(alone), AccountRoles::all());
            assert_eq!(AccountRoles::all().intersection(alone), alone);
        }
        assert_eq!(AccountRole::parse("owner"), None);
        assert!(AccountRoles::NONE.is_empty());
        assert_eq!(AccountRoles::all().names(), ["admin", "approver", "moderator", "auditor"]);
    }
}
