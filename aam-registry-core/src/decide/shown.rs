//! Who sees a version, and who gets its bytes.

use super::{Action, Rights};
use crate::types::{
    ApprovalStatus, Memberships, Moderation, PackageName, Principal, Version, VersionStatus, Visibility,
};

/// What of a version is shown to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing: to them the version does not exist.
    Nothing,
    /// That it was removed.
    Gone,
    /// What is known of it, but not what is in its archive.
    Described,
    /// All of it.
    Whole,
}

impl Shown {
    /// Whether it is shown in lists.
    pub fn is_listed(self) -> bool {
        matches!(self, Self::Described | Self::Whole)
    }
}

/// What is shown of a version that stands so, of a package of that visibility, to somebody with these rights to the
/// package, who published it or did not.
pub fn shown(rights: Rights, visibility: Visibility, status: VersionStatus, is_publisher: bool) -> Shown {
    let sees_package = rights.sees(visibility);
    let sees_unapproved = rights.permit(Action::SeeUnapproved);
    let sees_approval = match status.approval {
        ApprovalStatus::Approved => sees_package,
        // An approver sees it in a private package too.
        ApprovalStatus::Pending => sees_unapproved || (sees_package && is_publisher),
        ApprovalStatus::Rejected => sees_package && (sees_unapproved || is_publisher),
    };
    // A moderator sees it in a private package too.
    let sees_quarantined = rights.permit(Action::SeeQuarantined);
    match status.moderation {
        Moderation::None if sees_approval => Shown::Whole,
        Moderation::Quarantined if sees_quarantined && rights.permit(Action::FetchQuarantined) => Shown::Whole,
        Moderation::Quarantined if sees_quarantined => Shown::Described,
        Moderation::Removed if sees_approval || sees_quarantined => Shown::Gone,
        _ => Shown::Nothing,
    }
}

/// What a viewer is to a package, by which it may be shown more of it than everybody is. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Insight {
    /// By what the viewer is to the package and its scope.
    own: Rights,
    /// By that, and by what the viewer is in the whole registry.
    rights: Rights,
    /// The keys of the versions of it that the viewer published and that are not open.
    published: Vec<String>,
}

impl Insight {
    /// That of `by` into the package `name`. A token that is restricted to other packages has none.
    pub fn new(by: &Principal, memberships: &Memberships, name: &PackageName) -> Self {
        if Action::SeePrivate.require_credential(by, Some(name)).is_err() {
            return Self::default();
        }
        let scopes = &memberships.scopes;
        let scope = scopes.binary_search_by(|(scope, _)| scope.as_str().cmp(name.scope_or_empty()));
        let own = Rights {
            package_owner: memberships.packages.binary_search(name).is_ok(),
            scope_role: scope.ok().map(|at| scopes[at].1),
            ..Rights::default()
        };
        let published = memberships.published.iter().filter(|(package, _)| package == name);
        Self {
            own,
            rights: Rights { account: by.acting_roles(), ..own },
            published: published.map(|(_, key)| key.clone()).collect(),
        }
    }

    /// Whether the viewer sees the package, even if it is private, by what the viewer is to it.
    pub fn is_own(&self) -> bool {
        self.own.permit(Action::SeePrivate)
    }

    /// Whether something might be shown that not everybody sees.
    pub fn is_wider(&self) -> bool {
        self.reaches_private() || !self.published.is_empty()
    }

    /// Whether something of a private package might be shown.
    pub fn reaches_private(&self) -> bool {
        [Action::SeePrivate, Action::SeeUnapproved, Action::SeeQuarantined]
            .into_iter()
            .any(|action| self.rights.permit(action))
    }

    /// Whether the package itself is shown, apart from single versions of it.
    pub fn sees_package(&self, visibility: Visibility) -> bool {
        self.rights.sees(visibility)
    }

    /// What is shown of a version.
    pub fn shown(&self, visibility: Visibility, version: &Version, status: VersionStatus) -> Shown {
        let is_publisher = !self.published.is_empty() && self.published.contains(&version.key());
        shown(self.rights, visibility, status, is_publisher)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::types::{AccountRole, ScopeRole};

    /// Every kind of viewer, with its rights and whether it published the version.
    fn viewers() -> Vec<(&'static str, Rights, bool)> {
        let of = |role| Rights { scope_role: Some(role), ..Rights::default() };
        let mut viewers = vec![
            ("stranger", Rights::default(), false),
            ("publisher", Rights::default(), true),
            ("owner", Rights { package_owner: true, ..Rights::default() }, false),
        ];
        viewers.extend(ScopeRole::ALL.map(|role| (role.as_str(), of(role), false)));
        viewers.extend(AccountRole::ALL.map(|role| (role.as_str(), Rights::of_account(role.into()), false)));
        viewers
    }

    #[test]
    fn the_table_says_who_sees_what() {
        let mut table = String::new();
        for visibility in Visibility::ALL {
            for status in VersionStatus::all() {
                let (visibility_text, status_text) = (visibility.as_str(), status.as_str());
                write!(table, "{visibility_text:<7} {status_text:<20}").expect("a string");
                for (who, rights, is_publisher) in viewers() {
                    let what = match shown(rights, visibility, status, is_publisher) {
                        Shown::Nothing => continue,
                        Shown::Gone => "gone",
                        Shown::Described => "described",
                        Shown::Whole => "whole",
                    };
                    write!(table, " | {who}: {what}").expect("a string");
                }
                table.push('\n');
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn whoever_sees_an_open_version_of_a_package_sees_the_package_and_the_other_way_round() {
        for (who, rights, is_publisher) in viewers() {
            for visibility in Visibility::ALL {
                let open = shown(rights, visibility, VersionStatus::OPEN, is_publisher);
                assert_eq!(open == Shown::Whole, rights.sees(visibility), "{who}");
                for status in VersionStatus::all().filter(|status| !status.is_open()) {
                    let more = shown(rights, visibility, status, is_publisher);
                    assert!(!status.is_removed() || !more.is_listed(), "{who}: nobody is shown what was removed");
                }
            }
        }
    }
}
