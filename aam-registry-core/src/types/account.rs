//! Accounts as they are managed.

use std::fmt;

use crate::types::{User, Username};

/// A role of an account in the whole registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountRole {
    /// Administers the registry.
    Admin,
}

impl AccountRole {
    /// Every role.
    pub const ALL: [Self; 1] = [Self::Admin];

    /// The role as text: `admin`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }

    /// Reads the role's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Which accounts to list, by username.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Only administrators, or only others.
    pub is_admin: Option<bool>,
    /// Only those shut out, or only others.
    pub disabled: Option<bool>,
    /// Only those behind this username.
    pub after: Option<Username>,
    /// At most so many.
    pub limit: usize,
}

impl AccountFilter {
    /// Whether an account is one of those.
    pub fn admits(&self, user: &User) -> bool {
        self.is_admin.is_none_or(|is_admin| user.is_admin == is_admin)
            && self.disabled.is_none_or(|disabled| user.disabled == disabled)
            && self.after.as_ref().is_none_or(|after| user.username > *after)
    }
}

/// An account with what its credentials are checked against.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountState {
    /// The account.
    pub user: User,
    /// The hash of its password, in PHC string format.
    pub password_hash: String,
    /// How often all its sessions were ended. A session that began before the
    /// last time is over.
    pub session_generation: u64,
    /// The session that lived on when the others were last ended.
    pub kept_session: Option<String>,
}

impl AccountState {
    /// Ends every session but `kept`.
    pub fn end_sessions(&mut self, kept: Option<&str>) {
        self.session_generation += 1;
        self.kept_session = kept.map(str::to_owned);
    }
}

/// Whether a session of that id and generation was ended together with the
/// others of an account whose sessions are of `current` by now, but for `kept`.
pub fn is_session_ended(id: &str, generation: u64, current: u64, kept: Option<&str>) -> bool {
    generation != current && kept != Some(id)
}

impl fmt::Debug for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountState")
            .field("user", &self.user)
            .field("session_generation", &self.session_generation)
            .finish_non_exhaustive()
    }
}
