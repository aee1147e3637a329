//! The gate for reads: what is shown to whom.
//!
//! Every read passes it: the use cases through
//! [`Registry::view`](crate::registry::Registry::view), and what is kept of
//! answers through the same decision. Each version of each package is public in
//! this release, so that only [`ReadAccess`] and the viewer decide.

use crate::{
    error::{Error, Result},
    types::{Principal, TokenScope, Viewer},
};

/// Who may read what is public. The later variant is the stricter one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadAccess {
    /// Everybody.
    #[default]
    Everyone,
    /// Everybody whom the host of the registry lets through. The host demands a
    /// login of its own, so nothing that is read may be kept for others.
    BehindLogin,
    /// Callers with a credential.
    Authenticated,
}

/// The class of viewers that an answer is made for. What is kept of an answer
/// is kept for this class and no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Everybody: caches between registry and client may share it.
    #[default]
    Everyone,
    /// Those who may read, and not everybody may: only a client's own cache may
    /// keep it, and has to ask again before each use.
    Members,
}

impl ReadAccess {
    /// For whom the answers are made to those who may read.
    pub fn audience(self) -> Audience {
        match self {
            Self::Everyone => Audience::Everyone,
            Self::BehindLogin | Self::Authenticated => Audience::Members,
        }
    }

    /// Decides whether `viewer` may read, and for which class of viewers the
    /// answer is.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for anonymous viewers who have to log in;
    /// [`Error::Forbidden`] for a credential that does not carry reading.
    pub fn admit(self, viewer: &Viewer) -> Result<Audience> {
        self.admit_principal(viewer.principal())
    }

    /// The same for who is known of a request so far.
    pub(crate) fn admit_principal(self, principal: Option<&Principal>) -> Result<Audience> {
        match (self, principal) {
            (Self::Authenticated, None) => Err(Error::Unauthorized(
                "This registry answers only callers that it knows; send `Authorization: Bearer` with an API token or \
                 the access token of a login"
                    .to_owned(),
            )),
            (Self::Authenticated, Some(principal)) if !principal.scopes.contains(TokenScope::Read) => {
                Err(Error::forbidden("This token lacks the scope `read`; create one that has it"))
            }
            _ => Ok(self.audience()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Credential, TokenId, UserId};

    #[test]
    fn the_table_says_who_may_read_and_for_whom_it_is_kept() {
        let known = Viewer::Known(Principal {
            user: UserId::generate(),
            username: "ada".parse().expect("a name"),
            is_admin: false,
            credential: Credential::Token(TokenId::generate()),
            scopes: [TokenScope::Read].into_iter().collect(),
            packages: Vec::new(),
        });
        for (access, anonymous, to_known) in [
            (ReadAccess::Everyone, Some(Audience::Everyone), Audience::Everyone),
            (ReadAccess::BehindLogin, Some(Audience::Members), Audience::Members),
            (ReadAccess::Authenticated, None, Audience::Members),
        ] {
            assert_eq!(access.admit(&Viewer::Anonymous).ok(), anonymous, "{access:?}");
            assert_eq!(access.admit(&known).ok(), Some(to_known), "{access:?}");
        }
        assert!(ReadAccess::Everyone < ReadAccess::BehindLogin && ReadAccess::BehindLogin < ReadAccess::Authenticated);
    }
}
