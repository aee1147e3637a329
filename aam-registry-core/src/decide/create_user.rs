use std::fmt::{self, Debug};

use super::{Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{Change, NewAuditEntry, ScopeName, User, Username},
};

/// An account to make.
#[derive(Clone)]
pub struct NewUser {
    /// The account.
    pub user: User,
    /// The hash of its password, in PHC string format.
    pub password_hash: String,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

impl Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What the making of an account is decided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewUserFacts {
    /// Whether a user or a scope has the name.
    pub name_taken: bool,
    /// Whether a user has the e-mail address, in any case.
    pub email_taken: bool,
}

impl NewUserFacts {
    /// Requires that nobody has the name or the e-mail address.
    ///
    /// # Errors
    /// [`Error::UserExists`].
    pub fn require_free(self, username: &Username) -> Result<()> {
        if self.name_taken {
            return Err(Error::UserExists(format!("The name {username} is taken; choose another")));
        }
        if self.email_taken {
            return Err(Error::UserExists(
                "There is an account with this e-mail address; log in, or use another address".into(),
            ));
        }
        Ok(())
    }
}

impl NewUser {
    /// Makes an account and the scope of its name, which it owns.
    ///
    /// # Errors
    /// [`Error::UserExists`].
    pub fn decide(&self, facts: &NewUserFacts) -> Result<Decision<'_, ()>> {
        let user = &self.user;
        facts.require_free(&user.username)?;
        let changes = Changes {
            writes: vec![Write::CreateUser { user: user.clone(), password_hash: self.password_hash.clone() }],
            audit: vec![self.audit.clone()],
            invalidates: Some(Change::Scope(ScopeName::from(&user.username))),
        };
        Ok(Decision { answer: (), changes })
    }
}
