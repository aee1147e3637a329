//! Accounts, for their management.

use std::fmt;

use crate::types::{AccountRole, User, Username};

/// Which accounts to list, by username.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Only accounts that have this role.
    pub role: Option<AccountRole>,
    /// Only disabled accounts, or only others.
    pub disabled: Option<bool>,
    /// Only accounts whose username sorts after this one.
    pub after: Option<Username>,
    /// The most accounts to list.
    pub limit: usize,
}

impl AccountFilter {
    /// Whether the filter admits an account. None that was deleted is.
    pub fn admits(&self, user: &User) -> bool {
        !user.username.is_erased()
            && self.role.is_none_or(|role| user.roles.contains(role))
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
    /// How often all its sessions have been ended. A session with a lower generation has ended.
    pub session_generation: u64,
    /// The session that stayed valid when all others were last ended.
    pub kept_session: Option<String>,
}

impl AccountState {
    /// Ends every session but `kept`.
    pub fn end_sessions(&mut self, kept: Option<&str>) {
        self.session_generation += 1;
        self.kept_session = kept.map(str::to_owned);
    }
}

/// Whether the session `id` with `generation` was ended together with all others of its account.
/// `current` is the account's generation now, `kept` the session that stayed valid.
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
