//! The gate for reads: what is shown to whom.
//!
//! Every read passes it: the use cases through
//! [`Registry::view`](crate::registry::Registry::view), and what is kept of
//! answers through the same decision. [`ReadAccess`] says who may read at all;
//! who may see a private package is the row [`Action::SeePrivate`] of the table
//! of actions, asked with what the viewer is to the package.

use super::{Action, Rights};
use crate::{
    error::{Error, Result},
    types::{Memberships, Principal, Reach, Sight, TokenScope, Viewer},
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
    /// Those who may see a private package. Who that is is asked at each use.
    Private,
}

impl Audience {
    /// Which packages an answer to it may be about.
    pub fn reach(self) -> Reach {
        match self {
            Self::Everyone | Self::Members => Reach::Public,
            Self::Private => Reach::Everything,
        }
    }
}

/// The private packages that a viewer sees, for answers about many packages.
pub fn sight(by: &Principal, memberships: &Memberships) -> Sight {
    let sees = |rights: Rights| rights.permit(Action::SeePrivate);
    let member = |role| Rights { scope_role: Some(role), ..Rights::default() };
    let scopes = memberships.scopes.iter().filter(|(_, role)| sees(member(*role)));
    let owned = if sees(Rights { package_owner: true, ..Rights::default() }) {
        memberships.packages.clone()
    } else {
        Vec::new()
    };
    Sight {
        everything: sees(Rights::of_account(by.acting_roles())),
        scopes: scopes.map(|(scope, _)| scope.clone()).collect(),
        packages: owned,
        patterns: by.packages.clone(),
    }
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
    use crate::{
        decide::Insight,
        types::{
            AccountRole, AccountRoles, Credential, PackageName, ScopeRole, TokenId, TokenPattern, UserId, Visibility,
        },
    };

    /// The sight of an answer about many packages and the answer about one agree.
    #[test]
    fn the_table_says_who_sees_a_private_package() {
        let [kit, other]: [PackageName; 2] = ["@team/kit", "@team/other"].map(|name| name.parse().expect("a name"));
        let plain = Memberships::default();
        let member = |role| Memberships { scopes: vec![("team".parse().expect("a scope"), role)], ..plain.clone() };
        let owner = Memberships { packages: vec![kit.clone()], ..plain.clone() };
        let pattern = |text| vec![TokenPattern::parse(text).expect("a pattern")];
        let (none, admin) = (AccountRoles::NONE, AccountRoles::ADMIN);
        for (what, memberships, roles, packages, sees) in [
            ("a stranger", plain.clone(), none, Vec::new(), false),
            ("an administrator", plain.clone(), admin, Vec::new(), true),
            ("an auditor", plain.clone(), AccountRole::Auditor.into(), Vec::new(), true),
            ("an approver", plain.clone(), AccountRole::Approver.into(), Vec::new(), false),
            ("a moderator", plain.clone(), AccountRole::Moderator.into(), Vec::new(), false),
            ("an owner", owner.clone(), none, Vec::new(), true),
            ("a contributor", member(ScopeRole::Contributor), none, Vec::new(), true),
            ("a member", member(ScopeRole::Member), none, Vec::new(), true),
            ("an owner of the scope", member(ScopeRole::Owner), none, Vec::new(), true),
            ("a token of it", member(ScopeRole::Owner), none, pattern("@team/k*"), true),
            ("a token of another", member(ScopeRole::Owner), none, pattern("@team/other"), false),
            ("an administrator's token of another", plain, admin, pattern("@team/other"), false),
        ] {
            let by = Principal {
                user: UserId::generate(),
                username: "ada".parse().expect("a name"),
                roles,
                needs_second_factor: false,
                is_outside_admin_networks: false,
                credential: Credential::Token(TokenId::generate()),
                scopes: [TokenScope::Read, TokenScope::Admin].into_iter().collect(),
                packages,
            };
            let insight = Insight::new(&by, &memberships, &kit);
            assert_eq!(insight.sees_package(Visibility::Private), sees, "{what}");
            assert_eq!(insight.is_own(), sees && roles.is_empty(), "{what}");
            assert_eq!(sight(&by, &memberships).sees(&kit), sees, "{what}");
            if memberships == owner {
                let elsewhere = Insight::new(&by, &memberships, &other);
                assert!(!elsewhere.sees_package(Visibility::Private) && !sight(&by, &memberships).sees(&other));
            }
        }
    }

    #[test]
    fn the_table_says_who_may_read_and_for_whom_it_is_kept() {
        let known = Viewer::Known(Principal {
            user: UserId::generate(),
            username: "ada".parse().expect("a name"),
            roles: AccountRoles::NONE,
            needs_second_factor: false,
            is_outside_admin_networks: false,
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
